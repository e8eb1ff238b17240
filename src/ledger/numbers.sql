-- Version 10: whole card numbers, each under a key of its own (AES-256-GCM), for as long as its payment may be voided, refunded or
-- taken back.

ALTER TABLE transactions ADD COLUMN sealed_pan BLOB
    CHECK (sealed_pan IS NULL OR (typeof(sealed_pan) = 'blob' AND length(sealed_pan) BETWEEN 40 AND 47));

CREATE TABLE pan_keys (
    transaction_id INTEGER PRIMARY KEY REFERENCES transactions (id) ON DELETE CASCADE,
    -- Which storage key of the vault wraps it.
    storage_key    INTEGER NOT NULL,
    wrapped        BLOB NOT NULL CHECK (length(wrapped) = 60)
) STRICT;

-- Nobody voids or refunds what was not paid.
CREATE TRIGGER pan_keys_go_with_what_is_not_paid AFTER UPDATE OF state ON transactions
WHEN NEW.state IN ('declined', 'reversed')
BEGIN DELETE FROM pan_keys WHERE transaction_id = NEW.id; END;
