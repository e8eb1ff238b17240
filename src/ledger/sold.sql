-- Version 16: what was sold, line by line, as it stood on the receipt. It is written with the payment's own row and never changes;
-- it leaves with its payment.

CREATE TABLE sold_goods (
    transaction_id INTEGER NOT NULL REFERENCES transactions (id),
    -- From 1, as the lines came in.
    position       INTEGER NOT NULL CHECK (position BETWEEN 1 AND 200),
    number         INTEGER NOT NULL CHECK (number BETWEEN 1 AND 99999999),
    name           TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    unit           TEXT NOT NULL CHECK (unit = 'piece' OR unit = 'kg' OR unit = '500g' OR unit = '100g'),
    -- Pieces, or grams of what is weighed.
    quantity       INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 999999),
    -- Of one unit; this and the following in minor units of the payment's currency.
    price          INTEGER NOT NULL CHECK (price BETWEEN 0 AND 999999999999),
    discount       INTEGER NOT NULL CHECK (discount BETWEEN 0 AND 999999999999),
    amount         INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 999999999999),
    -- In hundredths of a percent.
    tax_rate       INTEGER NOT NULL CHECK (tax_rate BETWEEN 0 AND 10000),
    PRIMARY KEY (transaction_id, position)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER sold_goods_are_not_changed BEFORE UPDATE ON sold_goods
BEGIN SELECT RAISE(ABORT, 'what was sold is never changed'); END;

CREATE TRIGGER sold_goods_are_not_deleted BEFORE DELETE ON sold_goods
WHEN NOT EXISTS (SELECT 1 FROM archived_leaves a WHERE a.transaction_id = OLD.transaction_id)
BEGIN SELECT RAISE(ABORT, 'what was sold is never deleted'); END;
