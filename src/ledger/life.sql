-- Version 13: which state of a payment may follow which. The table is in payment/record.rs; a test compares them.

CREATE TRIGGER transactions_begin_pending BEFORE INSERT ON transactions
WHEN NEW.state <> 'pending'
BEGIN SELECT RAISE(ABORT, 'a payment begins before its request leaves'); END;

CREATE TRIGGER transactions_keep_their_order BEFORE UPDATE OF state ON transactions
WHEN NEW.state <> OLD.state AND NOT CASE OLD.state
    WHEN 'pending' THEN NEW.state IN ('host_approved', 'declined', 'reversal_due', 'unresolved')
    WHEN 'host_approved' THEN NEW.state IN ('approved', 'reversal_due')
    WHEN 'reversal_due' THEN NEW.state IN ('reversed', 'unresolved')
    -- A person has it tried again; or an approval came too late.
    WHEN 'unresolved' THEN NEW.state = 'reversal_due'
    WHEN 'declined' THEN NEW.state = 'reversal_due'
    WHEN 'reversed' THEN NEW.state = 'reversal_due'
    -- What is paid stays paid.
    ELSE 0
END
BEGIN SELECT RAISE(ABORT, 'this state does not follow that one'); END;
