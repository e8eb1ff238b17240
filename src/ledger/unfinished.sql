-- Version 14: states are compared one by one. A list makes SQLite fill a table of its own for every row that is written.

DROP INDEX transactions_unfinished;
CREATE INDEX transactions_unfinished ON transactions (state)
    WHERE state = 'pending' OR state = 'host_approved' OR state = 'reversal_due' OR state = 'unresolved';

DROP TRIGGER transactions_keep_their_order;
CREATE TRIGGER transactions_keep_their_order BEFORE UPDATE OF state ON transactions
WHEN NEW.state <> OLD.state AND NOT CASE OLD.state
    WHEN 'pending' THEN NEW.state = 'host_approved' OR NEW.state = 'declined' OR NEW.state = 'reversal_due'
        OR NEW.state = 'unresolved'
    WHEN 'host_approved' THEN NEW.state = 'approved' OR NEW.state = 'reversal_due'
    WHEN 'reversal_due' THEN NEW.state = 'reversed' OR NEW.state = 'unresolved'
    -- A person has it tried again; or an approval came too late.
    WHEN 'unresolved' THEN NEW.state = 'reversal_due'
    WHEN 'declined' THEN NEW.state = 'reversal_due'
    WHEN 'reversed' THEN NEW.state = 'reversal_due'
    -- What is paid stays paid.
    ELSE 0
END
BEGIN SELECT RAISE(ABORT, 'this state does not follow that one'); END;
