-- Version 28: sales that are paid by instalments. What is asked for is written with the payment's own row, what the issuer made of it once,
-- with its approval; neither ever changes, and both leave with their payment.

CREATE TABLE instalments (
    transaction_id INTEGER PRIMARY KEY REFERENCES transactions (id),
    periods        INTEGER NOT NULL CHECK (periods BETWEEN 2 AND 99),
    -- The acquirer's number of it, where it has one.
    programme      TEXT CHECK (programme <> ''),
    -- The plan, in minor units of the payment's currency. The periods come to what is paid; the fee stands beside it, taken at once or by
    -- periods.
    first          INTEGER CHECK (first BETWEEN 1 AND 999999999999),
    following      INTEGER CHECK (following BETWEEN 1 AND 999999999999),
    fee            INTEGER CHECK (fee BETWEEN 1 AND 999999999999),
    first_fee      INTEGER CHECK (first_fee BETWEEN 0 AND 999999999999),
    following_fee  INTEGER CHECK (following_fee BETWEEN 0 AND 999999999999),
    CHECK ((first IS NULL) = (following IS NULL)),
    CHECK ((first_fee IS NULL) = (following_fee IS NULL)),
    CHECK (fee IS NULL OR first_fee IS NULL),
    CHECK (first IS NOT NULL OR (fee IS NULL AND first_fee IS NULL))
) STRICT;

CREATE TRIGGER instalments_are_of_a_sale BEFORE INSERT ON instalments
WHEN NOT EXISTS (SELECT 1 FROM transactions t WHERE t.id = NEW.transaction_id AND t.kind = 'sale')
    OR EXISTS (SELECT 1 FROM tips p WHERE p.transaction_id = NEW.transaction_id)
BEGIN SELECT RAISE(ABORT, 'only a sale is paid by instalments, and one without a tip'); END;

CREATE TRIGGER instalments_begin_with_what_is_paid BEFORE INSERT ON instalments
WHEN NEW.first IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM transactions t WHERE t.id = NEW.transaction_id AND NEW.first + (NEW.periods - 1) * NEW.following = t.amount)
BEGIN SELECT RAISE(ABORT, 'instalments come to what is paid'); END;

CREATE TRIGGER instalments_come_to_what_is_paid BEFORE UPDATE ON instalments
WHEN NEW.first IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM transactions t WHERE t.id = NEW.transaction_id AND NEW.first + (NEW.periods - 1) * NEW.following = t.amount)
BEGIN SELECT RAISE(ABORT, 'instalments come to what is paid'); END;

CREATE TRIGGER instalments_are_planned_once BEFORE UPDATE ON instalments
WHEN OLD.first IS NOT NULL OR NEW.first IS NULL OR NEW.transaction_id IS NOT OLD.transaction_id
    OR NEW.periods IS NOT OLD.periods OR NEW.programme IS NOT OLD.programme
BEGIN SELECT RAISE(ABORT, 'a plan of instalments is written once, and never what was asked for'); END;

CREATE TRIGGER instalments_are_not_deleted BEFORE DELETE ON instalments
WHEN NOT EXISTS (SELECT 1 FROM archived_leaves a WHERE a.transaction_id = OLD.transaction_id)
BEGIN SELECT RAISE(ABORT, 'what is paid by instalments is never deleted'); END;

CREATE TRIGGER tips_are_of_no_instalments BEFORE INSERT ON tips
WHEN EXISTS (SELECT 1 FROM instalments i WHERE i.transaction_id = NEW.transaction_id)
BEGIN SELECT RAISE(ABORT, 'what is paid by instalments has no tip'); END;
