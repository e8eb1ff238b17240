-- Version 29: what was set aside is topped up. A top-up refers to its pre-authorisation as what completes one does, and a card is used
-- whole for it, as for the pre-authorisation itself.
--
-- The table is built anew once more, as in version 23, with all that was added to it since; what refers to it by name goes on doing so.

PRAGMA legacy_alter_table = ON;

CREATE TABLE transactions_new (
    id                 INTEGER PRIMARY KEY,
    merchant_code      TEXT NOT NULL CHECK (length(merchant_code) = 15),
    terminal_number    TEXT NOT NULL CHECK (length(terminal_number) = 8),
    batch              INTEGER NOT NULL CHECK (batch BETWEEN 1 AND 999999),
    stan               INTEGER NOT NULL CHECK (stan BETWEEN 1 AND 999999),
    kind               TEXT NOT NULL CHECK (kind = 'sale' OR kind = 'offline_sale' OR kind = 'pre_authorisation' OR kind = 'void'
                         OR kind = 'refund' OR kind = 'pre_authorisation_void' OR kind = 'completion'
                         OR kind = 'completion_notice' OR kind = 'completion_void' OR kind = 'code_payment'
                         OR kind = 'code_refund' OR kind = 'pre_authorisation_top_up'),
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
    entry              TEXT NOT NULL CHECK (entry = 'chip' OR entry = 'stripe' OR entry = 'fallback' OR entry = 'typed'
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
    cashier            INTEGER REFERENCES people (number),
    asked              INTEGER CHECK (asked IS NULL OR (asked > amount AND asked <= 999999999999 AND kind = 'sale')),
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

    -- A chip that is used whole has an application and the last word; of one that only says who it is, or of a card without one, there is
    -- none.
    CHECK (aid <> '' OR entry <> 'chip'
        OR (kind <> 'sale' AND kind <> 'pre_authorisation' AND kind <> 'pre_authorisation_top_up' AND kind <> 'offline_sale')),
    CHECK (aid = '' OR (entry <> 'stripe' AND entry <> 'fallback' AND entry <> 'typed')),
    CHECK (state <> 'approved'
        OR (kind <> 'sale' AND kind <> 'pre_authorisation' AND kind <> 'pre_authorisation_top_up' AND kind <> 'offline_sale')
        OR (signature IS NOT NULL
            AND (entry <> 'chip' OR (cryptogram IS NOT NULL AND tvr IS NOT NULL)))),
    CHECK (cryptogram IS NULL
        OR (entry = 'chip' AND (kind = 'sale' OR kind = 'pre_authorisation' OR kind = 'pre_authorisation_top_up'
            OR kind = 'offline_sale'))),
    -- Nobody but a chip decides without the bank.
    CHECK (kind <> 'offline_sale' OR entry = 'chip'),
    -- Chip data lives only as long as a reversal may need it.
    CHECK ((state = 'approved' OR state = 'declined' OR state = 'reversed') = (chip_data IS NULL)),
    CHECK (chip_data IS NULL OR chip_data = x'' OR entry = 'chip'),
    CHECK (chip_data IS NULL OR chip_data = x'' OR kind = 'sale' OR kind = 'pre_authorisation'
        OR kind = 'pre_authorisation_top_up' OR kind = 'offline_sale'),
    -- What may have to be sent again needs the card's number for it, and no PIN: none is kept.
    CHECK ((kind <> 'refund' AND kind <> 'completion_notice') OR verification IS NOT 'online_pin'),
    CHECK ((state <> 'pending' AND state <> 'repeat_due') OR (kind <> 'refund' AND kind <> 'completion_notice')
        OR sealed_pan IS NOT NULL)
) STRICT;

INSERT INTO transactions_new (id, merchant_code, terminal_number, batch, stan, kind, original_batch, original_stan, original_at, state, amount,
        currency, at, entry, truncated_pan, sequence_number, card_expiry, aid, application_label, chip_data, reason,
        response_code, rrn, authorisation_code, cryptogram, tvr, tsi, atc, signature, reversal_reason, reversal_tries,
        script_results, next_try, resolution, late_response_code, late_rrn, late_authorisation_code, late_at, verification, bank,
        sealed_pan, code_tail, voucher, paid_back, cashier, asked)
    SELECT id, merchant_code, terminal_number, batch, stan, kind, original_batch, original_stan, original_at, state, amount,
        currency, at, entry, truncated_pan, sequence_number, card_expiry, aid, application_label, chip_data, reason,
        response_code, rrn, authorisation_code, cryptogram, tvr, tsi, atc, signature, reversal_reason, reversal_tries,
        script_results, next_try, resolution, late_response_code, late_rrn, late_authorisation_code, late_at, verification, bank,
        sealed_pan, code_tail, voucher, paid_back, cashier, asked
    FROM transactions ORDER BY id;

DROP TABLE transactions;
ALTER TABLE transactions_new RENAME TO transactions;

PRAGMA legacy_alter_table = OFF;

CREATE INDEX transactions_unfinished ON transactions (state)
    WHERE state = 'pending' OR state = 'host_approved' OR state = 'reversal_due' OR state = 'repeat_due' OR state = 'unresolved';
CREATE INDEX transactions_by_time ON transactions (at);
CREATE INDEX transactions_of_stan ON transactions (stan, at);
CREATE INDEX transactions_of_amount ON transactions (amount, at);
CREATE INDEX transactions_of_last_four ON transactions (substr(truncated_pan, -4), at);
CREATE INDEX transactions_of_rrn ON transactions (rrn) WHERE rrn IS NOT NULL;
CREATE INDEX transactions_of_original ON transactions (merchant_code, terminal_number, original_batch, original_stan)
    WHERE original_stan IS NOT NULL;
CREATE INDEX transactions_of_kind ON transactions (kind, at) WHERE kind <> 'sale';
CREATE INDEX transactions_of_cashier ON transactions (cashier, at) WHERE cashier IS NOT NULL;

-- As they were: a top-up is about what was set aside, as everything that is in no other line.
CREATE TRIGGER pan_keys_go_with_what_is_not_paid AFTER UPDATE OF state ON transactions
WHEN NEW.state = 'declined' OR NEW.state = 'reversed'
BEGIN DELETE FROM pan_keys WHERE transaction_id = NEW.id; END;

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

CREATE TRIGGER transactions_not_into_a_settled_batch BEFORE INSERT ON transactions
WHEN EXISTS (SELECT 1 FROM settlements s WHERE s.merchant_code = NEW.merchant_code AND s.terminal_number = NEW.terminal_number
    AND s.batch = NEW.batch)
BEGIN SELECT RAISE(ABORT, 'this batch is settled'); END;

CREATE TRIGGER transactions_keep_their_cashier BEFORE UPDATE OF cashier ON transactions
WHEN NEW.cashier IS NOT OLD.cashier
BEGIN SELECT RAISE(ABORT, 'who took a payment never changes'); END;

CREATE TRIGGER transactions_keep_their_amount BEFORE UPDATE OF amount, asked ON transactions
WHEN (NEW.amount <> OLD.amount OR NEW.asked IS NOT OLD.asked)
    AND NOT (OLD.state = 'pending' AND NEW.state = 'host_approved' AND OLD.asked IS NULL AND NEW.asked IS OLD.amount)
BEGIN SELECT RAISE(ABORT, 'what was asked for never changes, and what was approved of it only once'); END;

CREATE TRIGGER transactions_wait_for_an_open_purchase BEFORE INSERT ON transactions
WHEN EXISTS (
    SELECT 1 FROM purchases p WHERE p.state = 'open'
        AND ((NEW.kind <> 'sale' AND NEW.kind <> 'code_payment') OR NEW.currency <> p.currency
            OR NEW.amount > p.due - (SELECT s.paid FROM purchase_sums s WHERE s.number = p.number)
            OR EXISTS (
                SELECT 1 FROM purchase_parts q JOIN transactions t ON t.id = q.transaction_id
                WHERE q.purchase = p.number AND (t.state = 'pending' OR t.state = 'host_approved' OR t.state = 'reversal_due'
                    OR (t.state = 'unresolved' AND t.resolution IS NULL)))))
BEGIN SELECT RAISE(ABORT, 'a purchase is open: only its rest is paid'); END;

CREATE TRIGGER transactions_take_no_number_of_cash BEFORE INSERT ON transactions
WHEN EXISTS (SELECT 1 FROM cash_sales c WHERE c.merchant_code = NEW.merchant_code AND c.terminal_number = NEW.terminal_number
    AND c.batch = NEW.batch AND c.stan = NEW.stan)
BEGIN SELECT RAISE(ABORT, 'this number is a cash sale''s'); END;

CREATE TRIGGER transactions_begin_pending BEFORE INSERT ON transactions
WHEN (NEW.kind = 'offline_sale') <> (NEW.state = 'approved') OR (NEW.state <> 'approved' AND NEW.state <> 'pending')
BEGIN SELECT RAISE(ABORT, 'a payment begins before its request leaves, and an offline sale with the word of its card'); END;

CREATE TRIGGER transactions_keep_their_order BEFORE UPDATE OF state ON transactions
WHEN NEW.state <> OLD.state AND NOT CASE OLD.state
    WHEN 'pending' THEN NEW.state = 'host_approved' OR NEW.state = 'declined' OR NEW.state = 'reversal_due'
        OR NEW.state = 'repeat_due' OR NEW.state = 'unresolved'
        -- What was asked about is paid at once.
        OR (NEW.state = 'approved' AND NEW.kind = 'code_payment')
    WHEN 'host_approved' THEN NEW.state = 'approved' OR NEW.state = 'reversal_due'
    -- What is paid stays paid, but for what paid a part of a purchase that is given up, and for what nobody but the card has approved
    -- and its bank does not pay.
    WHEN 'approved' THEN (NEW.state = 'reversal_due' AND NEW.kind <> 'code_payment' AND EXISTS (
        SELECT 1 FROM purchase_parts q JOIN purchases p ON p.number = q.purchase
        WHERE q.transaction_id = NEW.id AND p.state = 'given_up'))
        OR (NEW.state = 'unresolved' AND NEW.kind = 'offline_sale')
    WHEN 'reversal_due' THEN NEW.state = 'reversed' OR NEW.state = 'unresolved'
    WHEN 'repeat_due' THEN NEW.state = 'host_approved' OR NEW.state = 'declined' OR NEW.state = 'unresolved'
    -- A person has it tried again; or an approval came too late.
    WHEN 'unresolved' THEN CASE NEW.kind WHEN 'offline_sale' THEN NEW.state = 'approved'
        ELSE NEW.state = 'reversal_due' OR NEW.state = 'repeat_due' END
    WHEN 'declined' THEN NEW.state = 'reversal_due' OR NEW.state = 'unresolved'
    WHEN 'reversed' THEN NEW.state = 'reversal_due'
    ELSE 0
END
BEGIN SELECT RAISE(ABORT, 'this state does not follow that one'); END;
