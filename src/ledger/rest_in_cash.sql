-- Version 25: the rest of a purchase that is paid in parts may be paid in cash.
--
-- Cash pays all of the rest: nothing of a purchase that is open is in the drawer, so that giving one up takes nothing out of it.

ALTER TABLE purchase_parts ADD COLUMN cash_sale INTEGER REFERENCES cash_sales (id) CHECK ((cash_sale IS NOT NULL) = (kind = 'cash'));

CREATE UNIQUE INDEX purchase_part_of_cash ON purchase_parts (cash_sale) WHERE cash_sale IS NOT NULL;

DROP VIEW purchase_sums;
CREATE VIEW purchase_sums AS
    SELECT p.number, coalesce(sum(t.amount), 0) + coalesce(sum(c.amount), 0) AS paid FROM purchases p
        LEFT JOIN purchase_parts q ON q.purchase = p.number
        LEFT JOIN transactions t ON t.id = q.transaction_id
            AND (t.state = 'approved' OR (t.state = 'unresolved' AND t.resolution = 'charged'))
        LEFT JOIN cash_sales c ON c.id = q.cash_sale
    GROUP BY p.number;

CREATE TRIGGER purchase_parts_in_cash_pay_the_rest BEFORE INSERT ON purchase_parts
WHEN NEW.kind = 'cash' AND NOT EXISTS (
    SELECT 1 FROM cash_sales c, purchases p WHERE c.id = NEW.cash_sale AND p.number = NEW.purchase AND c.kind = 'cash_sale'
        AND c.currency = p.currency AND c.amount = p.due - (SELECT s.paid FROM purchase_sums s WHERE s.number = p.number))
BEGIN SELECT RAISE(ABORT, 'cash pays all of the rest'); END;

-- As payments do.
CREATE TRIGGER cash_waits_for_an_open_purchase BEFORE INSERT ON cash_sales
WHEN EXISTS (
    SELECT 1 FROM purchases p WHERE p.state = 'open'
        AND (NEW.kind <> 'cash_sale' OR NEW.currency <> p.currency
            OR NEW.amount <> p.due - (SELECT s.paid FROM purchase_sums s WHERE s.number = p.number)
            OR EXISTS (
                SELECT 1 FROM purchase_parts q JOIN transactions t ON t.id = q.transaction_id
                WHERE q.purchase = p.number AND (t.state = 'pending' OR t.state = 'host_approved' OR t.state = 'reversal_due'
                    OR (t.state = 'unresolved' AND t.resolution IS NULL)))))
BEGIN SELECT RAISE(ABORT, 'a purchase is open: only its rest is paid'); END;
