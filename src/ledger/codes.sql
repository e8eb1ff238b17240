-- Version 17: payments by code, and what goes back of them. No card is used: who paid is said by the wallet's own number and the end of its code.
--
-- The table is built anew once more, as in version 15.

CREATE TABLE transactions_new (
    id                 INTEGER PRIMARY KEY,
    merchant_code      TEXT NOT NULL CHECK (length(merchant_code) = 15),
    terminal_number    TEXT NOT NULL CHECK (length(terminal_number) = 8),
    batch              INTEGER NOT NULL CHECK (batch BETWEEN 1 AND 999999),
    stan               INTEGER NOT NULL CHECK (stan BETWEEN 1 AND 999999),
    kind               TEXT NOT NULL CHECK (kind = 'sale' OR kind = 'offline_sale' OR kind = 'pre_authorisation' OR kind = 'void'
                         OR kind = 'refund' OR kind = 'pre_authorisation_void' OR kind = 'completion'
                         OR kind = 'completion_notice' OR kind = 'completion_void' OR kind = 'code_payment'
                         OR kind = 'code_refund'),
    -- Batch, STAN and local time of what it refers to. Its numbers, and not its row: they still say it when that has left.
    original_batch     INTEGER,
    original_stan      INTEGER,
    original_at        TEXT,
    state              TEXT NOT NULL CHECK (state = 'pending' OR state = 'host_approved' OR state = 'approved'
                         OR state = 'declined' OR state = 'reversal_due' OR state = 'reversed' OR state = 'repeat_due'
                         OR state = 'unresolved'),
    amount             INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    currency           TEXT NOT NULL CHECK (length(currency) = 3),
    at                 TEXT NOT NULL,
    -- Of a card that was not read, what is said of it is what the original says.
    entry              TEXT NOT NULL CHECK (entry = 'chip'
                         OR (entry = 'not_read' AND (original_stan IS NOT NULL OR kind = 'code_payment'))),
    truncated_pan      TEXT NOT NULL CHECK (truncated_pan = ''
                         OR (truncated_pan GLOB '[0-9][0-9][0-9][0-9][0-9][0-9]*[0-9][0-9][0-9][0-9]'
                             AND length(replace(truncated_pan, '*', '')) = 10)),
    sequence_number    INTEGER CHECK (sequence_number BETWEEN 0 AND 255),
    card_expiry        TEXT CHECK (length(card_expiry) = 4),
    aid                TEXT NOT NULL,
    application_label  TEXT NOT NULL,
    chip_data          BLOB,
    reason             TEXT,
    response_code      TEXT CHECK (length(response_code) = 2),
    rrn                TEXT CHECK (length(rrn) = 12),
    authorisation_code TEXT CHECK (length(authorisation_code) = 6),
    cryptogram         TEXT,
    tvr                TEXT,
    tsi                TEXT,
    atc                TEXT,
    signature          INTEGER CHECK (signature = 0 OR signature = 1),
    reversal_reason    TEXT CHECK (reversal_reason = '98' OR reversal_reason = 'A0' OR reversal_reason = '06'),
    -- Tries to take it back, or to send it again.
    reversal_tries     INTEGER NOT NULL DEFAULT 0 CHECK (reversal_tries >= 0),
    script_results     TEXT,
    next_try           TEXT,
    resolution         TEXT CHECK (resolution IS NULL
                         OR ((resolution = 'reversed' OR resolution = 'charged') AND state = 'unresolved')),
    late_response_code TEXT CHECK (length(late_response_code) = 2),
    late_rrn           TEXT CHECK (length(late_rrn) = 12),
    late_authorisation_code TEXT CHECK (length(late_authorisation_code) = 6),
    late_at            TEXT CHECK ((late_at IS NULL) = (late_response_code IS NULL)),
    verification       TEXT CHECK (verification = 'none' OR verification = 'signature' OR verification = 'offline_pin'
                         OR verification = 'offline_pin_and_signature' OR verification = 'online_pin'
                         OR verification = 'failed' OR verification = 'not_performed'),
    bank               TEXT,
    sealed_pan         BLOB CHECK (sealed_pan IS NULL
                         OR (typeof(sealed_pan) = 'blob' AND length(sealed_pan) BETWEEN 40 AND 47)),
    -- The end of the customer's code; none where the terminal showed its own.
    code_tail          TEXT CHECK (code_tail IS NULL OR (length(code_tail) = 6 AND kind = 'code_payment')),
    -- By which number the wallet knows it.
    voucher            TEXT CHECK (voucher IS NULL
                         OR (length(voucher) BETWEEN 1 AND 64 AND (kind = 'code_payment' OR kind = 'code_refund'))),
    -- It was paid for a moment before its order was closed.
    paid_back          INTEGER CHECK (paid_back IS NULL OR (paid_back = 1 AND kind = 'code_payment')),
    UNIQUE (merchant_code, terminal_number, batch, stan),
    FOREIGN KEY (merchant_code, terminal_number, original_batch, original_stan)
        REFERENCES transactions (merchant_code, terminal_number, batch, stan),

    CHECK ((original_stan IS NULL) = (kind = 'sale' OR kind = 'pre_authorisation' OR kind = 'offline_sale' OR kind = 'code_payment')),
    CHECK ((original_batch IS NULL) = (original_stan IS NULL)),
    CHECK ((original_at IS NULL) = (original_stan IS NULL)),

    -- What can be taken back is never sent again, what is sent again is never taken back, and nobody was asked about an offline sale.
    CHECK ((state <> 'reversal_due' AND state <> 'reversed')
        OR (kind <> 'refund' AND kind <> 'completion_notice' AND kind <> 'offline_sale' AND kind <> 'code_refund')),
    CHECK (state <> 'repeat_due' OR kind = 'refund' OR kind = 'completion_notice' OR kind = 'code_refund'),
    -- What the host calls paid is paid: no card has a last word.
    CHECK (state <> 'host_approved' OR kind <> 'code_payment'),

    CHECK ((state <> 'declined' AND state <> 'reversal_due' AND state <> 'reversed' AND state <> 'repeat_due'
        AND state <> 'unresolved') OR reason IS NOT NULL),
    CHECK ((state <> 'reversal_due' AND state <> 'reversed' AND state <> 'unresolved') OR reversal_reason IS NOT NULL
        OR kind = 'refund' OR kind = 'completion_notice' OR kind = 'code_payment' OR kind = 'code_refund'),
    CHECK (reversal_reason IS NULL
        OR (kind <> 'refund' AND kind <> 'completion_notice' AND kind <> 'code_payment' AND kind <> 'code_refund')),

    -- Where there is no card nothing is said of one, and where there is one its number is.
    CHECK ((truncated_pan = '') = (kind = 'code_payment' OR kind = 'code_refund')),
    CHECK ((kind <> 'code_payment' AND kind <> 'code_refund')
        OR (entry = 'not_read' AND aid = '' AND sealed_pan IS NULL AND card_expiry IS NULL AND sequence_number IS NULL)),

    -- A card that is used whole has an application and the last word; of one that only says who it is, or stays away, there is none.
    CHECK (aid <> '' OR (kind <> 'sale' AND kind <> 'pre_authorisation' AND kind <> 'offline_sale')),
    CHECK (state <> 'approved' OR (kind <> 'sale' AND kind <> 'pre_authorisation' AND kind <> 'offline_sale')
        OR (cryptogram IS NOT NULL AND tvr IS NOT NULL AND signature IS NOT NULL)),
    CHECK (cryptogram IS NULL OR kind = 'sale' OR kind = 'pre_authorisation' OR kind = 'offline_sale'),
    -- Chip data lives only as long as a reversal may need it.
    CHECK ((state = 'approved' OR state = 'declined' OR state = 'reversed') = (chip_data IS NULL)),
    CHECK (chip_data IS NULL OR chip_data = x'' OR kind = 'sale' OR kind = 'pre_authorisation' OR kind = 'offline_sale'),
    -- What may have to be sent again needs the card's number for it, and no PIN: none is kept.
    CHECK ((kind <> 'refund' AND kind <> 'completion_notice') OR verification IS NOT 'online_pin'),
    CHECK ((state <> 'pending' AND state <> 'repeat_due') OR (kind <> 'refund' AND kind <> 'completion_notice')
        OR sealed_pan IS NOT NULL)
) STRICT;

INSERT INTO transactions_new (id, merchant_code, terminal_number, batch, stan, kind, original_batch, original_stan, original_at, state,
        amount, currency, at, entry, truncated_pan, sequence_number, card_expiry, aid, application_label, chip_data, reason,
        response_code, rrn, authorisation_code, cryptogram, tvr, tsi, atc, signature, reversal_reason, reversal_tries,
        script_results, next_try, resolution, late_response_code, late_rrn, late_authorisation_code, late_at, verification,
        bank, sealed_pan)
    SELECT id, merchant_code, terminal_number, batch, stan, kind, original_batch, original_stan, original_at, state,
        amount, currency, at, entry, truncated_pan, sequence_number, card_expiry, aid, application_label, chip_data, reason,
        response_code, rrn, authorisation_code, cryptogram, tvr, tsi, atc, signature, reversal_reason, reversal_tries,
        script_results, next_try, resolution, late_response_code, late_rrn, late_authorisation_code, late_at, verification,
        bank, sealed_pan
    FROM transactions ORDER BY id;

DROP TABLE transactions;
ALTER TABLE transactions_new RENAME TO transactions;

CREATE INDEX transactions_unfinished ON transactions (state)
    WHERE state = 'pending' OR state = 'host_approved' OR state = 'reversal_due' OR state = 'repeat_due' OR state = 'unresolved';
CREATE INDEX transactions_by_time ON transactions (at);
CREATE INDEX transactions_of_stan ON transactions (stan, at);
CREATE INDEX transactions_of_amount ON transactions (amount, at);
CREATE INDEX transactions_of_last_four ON transactions (substr(truncated_pan, -4), at);
CREATE INDEX transactions_of_rrn ON transactions (rrn) WHERE rrn IS NOT NULL;
-- A sale is in none of these: it costs nothing that there are others.
CREATE INDEX transactions_of_original ON transactions (merchant_code, terminal_number, original_batch, original_stan)
    WHERE original_stan IS NOT NULL;
CREATE INDEX transactions_of_kind ON transactions (kind, at) WHERE kind <> 'sale';

-- Nobody voids or refunds what was not paid.
CREATE TRIGGER pan_keys_go_with_what_is_not_paid AFTER UPDATE OF state ON transactions
WHEN NEW.state = 'declined' OR NEW.state = 'reversed'
BEGIN DELETE FROM pan_keys WHERE transaction_id = NEW.id; END;

CREATE TRIGGER transactions_begin_pending BEFORE INSERT ON transactions
WHEN NEW.state <> 'pending'
BEGIN SELECT RAISE(ABORT, 'a payment begins before its request leaves'); END;

-- Which state may follow which. The table is in payment/record.rs; a test compares them.
CREATE TRIGGER transactions_keep_their_order BEFORE UPDATE OF state ON transactions
WHEN NEW.state <> OLD.state AND NOT CASE OLD.state
    WHEN 'pending' THEN NEW.state = 'host_approved' OR NEW.state = 'declined' OR NEW.state = 'reversal_due'
        OR NEW.state = 'repeat_due' OR NEW.state = 'unresolved'
        -- What was asked about is paid at once.
        OR (NEW.state = 'approved' AND NEW.kind = 'code_payment')
    WHEN 'host_approved' THEN NEW.state = 'approved' OR NEW.state = 'reversal_due'
    WHEN 'reversal_due' THEN NEW.state = 'reversed' OR NEW.state = 'unresolved'
    WHEN 'repeat_due' THEN NEW.state = 'host_approved' OR NEW.state = 'declined' OR NEW.state = 'unresolved'
    -- A person has it tried again; or an approval came too late.
    WHEN 'unresolved' THEN NEW.state = 'reversal_due' OR NEW.state = 'repeat_due'
    WHEN 'declined' THEN NEW.state = 'reversal_due' OR NEW.state = 'unresolved'
    WHEN 'reversed' THEN NEW.state = 'reversal_due'
    -- What is paid stays paid.
    ELSE 0
END
BEGIN SELECT RAISE(ABORT, 'this state does not follow that one'); END;

-- What is referred to has come about, and is of a kind of which there is such a thing.
CREATE TRIGGER transactions_refer_to_what_came_about BEFORE INSERT ON transactions
WHEN NEW.original_stan IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM transactions o
    WHERE o.merchant_code = NEW.merchant_code AND o.terminal_number = NEW.terminal_number
        AND o.batch = NEW.original_batch AND o.stan = NEW.original_stan AND o.at = NEW.original_at
        AND (o.state = 'approved' OR (o.state = 'unresolved' AND o.resolution = 'charged'))
        AND CASE NEW.kind
            WHEN 'void' THEN o.kind = 'sale'
            WHEN 'refund' THEN o.kind = 'sale' OR o.kind = 'offline_sale' OR o.kind = 'completion'
                OR o.kind = 'completion_notice'
            WHEN 'completion_void' THEN o.kind = 'completion'
            WHEN 'code_refund' THEN o.kind = 'code_payment'
            ELSE o.kind = 'pre_authorisation'
        END)
BEGIN SELECT RAISE(ABORT, 'what it refers to did not come about, or is nothing to do this with'); END;

CREATE TRIGGER transactions_stay_what_they_are BEFORE UPDATE OF kind, original_batch, original_stan, original_at ON transactions
WHEN NEW.kind <> OLD.kind OR NEW.original_batch IS NOT OLD.original_batch OR NEW.original_stan IS NOT OLD.original_stan
    OR NEW.original_at IS NOT OLD.original_at
BEGIN SELECT RAISE(ABORT, 'what a transaction is never changes'); END;
