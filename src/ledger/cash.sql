-- Version 21: cash sales and what went back of them. No host hears of them: they are in no settlement. They take their numbers where
-- payments take theirs, so that one slip has one number. A ledger without them is what it was.

-- What cash sales put into the drawer and refunds took out of it stands beside what people moved by hand. The check that the drawer
-- never holds less than nothing now counts them, and a check can only be changed by building the table anew.
CREATE TABLE shifts_new (
    id         INTEGER PRIMARY KEY,
    opened_by  INTEGER REFERENCES people (number),
    opened_at  TEXT NOT NULL,
    currency   TEXT NOT NULL CHECK (length(currency) = 3),
    float      INTEGER NOT NULL CHECK (float BETWEEN 0 AND 999999999999),
    put_in     INTEGER NOT NULL DEFAULT 0 CHECK (put_in BETWEEN 0 AND 999999999999),
    taken_out  INTEGER NOT NULL DEFAULT 0 CHECK (taken_out BETWEEN 0 AND 999999999999),
    closed_by  INTEGER REFERENCES people (number),
    closed_at  TEXT CHECK (closed_at IS NOT NULL OR closed_by IS NULL),
    counted    INTEGER CHECK (counted BETWEEN 0 AND 999999999999),
    -- Sums of the cash sales and refunds that name this shift.
    sold       INTEGER NOT NULL DEFAULT 0 CHECK (sold BETWEEN 0 AND 999999999999),
    given_back INTEGER NOT NULL DEFAULT 0 CHECK (given_back BETWEEN 0 AND 999999999999),
    CHECK ((counted IS NULL) = (closed_at IS NULL)),
    CHECK (float + put_in + sold - taken_out - given_back BETWEEN 0 AND 999999999999)
) STRICT;

INSERT INTO shifts_new (id, opened_by, opened_at, currency, float, put_in, taken_out, closed_by, closed_at, counted)
    SELECT id, opened_by, opened_at, currency, float, put_in, taken_out, closed_by, closed_at, counted FROM shifts;

DROP TABLE shifts;
ALTER TABLE shifts_new RENAME TO shifts;

-- One drawer.
CREATE UNIQUE INDEX shift_that_is_open ON shifts ((1)) WHERE closed_at IS NULL;

CREATE TRIGGER shifts_stay_closed BEFORE UPDATE ON shifts
WHEN OLD.closed_at IS NOT NULL OR NEW.float <> OLD.float OR NEW.opened_at <> OLD.opened_at OR NEW.opened_by IS NOT OLD.opened_by
    OR NEW.currency <> OLD.currency OR NEW.put_in < OLD.put_in OR NEW.taken_out < OLD.taken_out OR NEW.sold < OLD.sold
    OR NEW.given_back < OLD.given_back
BEGIN SELECT RAISE(ABORT, 'what was counted is never changed'); END;

CREATE TRIGGER shifts_are_not_deleted BEFORE DELETE ON shifts
BEGIN SELECT RAISE(ABORT, 'a shift is never deleted'); END;

CREATE TRIGGER shifts_are_not_replaced BEFORE INSERT ON shifts
WHEN EXISTS (SELECT 1 FROM shifts WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'what was counted is never changed'); END;

CREATE TABLE cash_sales (
    id              INTEGER PRIMARY KEY,
    merchant_code   TEXT NOT NULL CHECK (length(merchant_code) = 15),
    terminal_number TEXT NOT NULL CHECK (length(terminal_number) = 8),
    batch           INTEGER NOT NULL CHECK (batch BETWEEN 1 AND 999999),
    stan            INTEGER NOT NULL CHECK (stan BETWEEN 1 AND 999999),
    kind            TEXT NOT NULL CHECK (kind = 'cash_sale' OR kind = 'cash_refund'),
    -- Of a refund: the sale of which it goes back.
    sale            INTEGER REFERENCES cash_sales (id) CHECK ((sale IS NOT NULL) = (kind = 'cash_refund')),
    -- done: it stands. returned: all of this sale has gone back.
    state           TEXT NOT NULL CHECK (state = 'done' OR (state = 'returned' AND kind = 'cash_sale')),
    -- What is paid, or goes back; this and the following in minor units.
    amount          INTEGER NOT NULL CHECK (amount BETWEEN 1 AND 999999999999),
    currency        TEXT NOT NULL CHECK (length(currency) = 3),
    -- What the customer gave, and what went back at once.
    given           INTEGER CHECK ((given IS NOT NULL) = (kind = 'cash_sale') AND given BETWEEN amount AND 999999999999),
    change          INTEGER CHECK ((change IS NULL) = (given IS NULL) AND change = given - amount),
    -- Local time.
    at              TEXT NOT NULL,
    cashier         INTEGER REFERENCES people (number),
    -- Into whose drawer it came, or out of whose; nobody counts where no shift is open.
    shift           INTEGER REFERENCES shifts (id),
    -- asked: its opening was written down with the row, before the pulse; it is never sent again, whatever came of it.
    drawer          TEXT NOT NULL CHECK (drawer = 'none' OR drawer = 'asked' OR drawer = 'opened' OR drawer = 'failed'),
    UNIQUE (merchant_code, terminal_number, batch, stan)
) STRICT;

CREATE INDEX cash_sales_by_time ON cash_sales (at);
CREATE INDEX cash_sales_of_sale ON cash_sales (sale) WHERE sale IS NOT NULL;

CREATE TRIGGER cash_sales_stay_what_they_are BEFORE UPDATE OF id, merchant_code, terminal_number, batch, stan, kind, sale, amount,
    currency, given, change, at, cashier, shift ON cash_sales
BEGIN SELECT RAISE(ABORT, 'what was paid in cash is never changed'); END;

CREATE TRIGGER cash_sales_return_once BEFORE UPDATE OF state ON cash_sales
WHEN NEW.state <> OLD.state AND (OLD.state <> 'done' OR NEW.amount <> (SELECT coalesce(sum(amount), 0) FROM cash_sales WHERE sale = NEW.id))
BEGIN SELECT RAISE(ABORT, 'a cash sale is returned once, when all of it has gone back'); END;

CREATE TRIGGER cash_drawers_open_once BEFORE UPDATE OF drawer ON cash_sales
WHEN NEW.drawer <> OLD.drawer AND OLD.drawer <> 'asked'
BEGIN SELECT RAISE(ABORT, 'a drawer is opened once for a cash sale'); END;

CREATE TRIGGER cash_sales_are_not_deleted BEFORE DELETE ON cash_sales
BEGIN SELECT RAISE(ABORT, 'what was paid in cash is never deleted'); END;

CREATE TRIGGER cash_sales_are_not_replaced BEFORE INSERT ON cash_sales
WHEN EXISTS (SELECT 1 FROM cash_sales WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'what was paid in cash is never changed'); END;

-- One number, one slip.
CREATE TRIGGER cash_sales_have_their_own_numbers BEFORE INSERT ON cash_sales
WHEN EXISTS (SELECT 1 FROM transactions t WHERE t.merchant_code = NEW.merchant_code AND t.terminal_number = NEW.terminal_number
    AND t.batch = NEW.batch AND t.stan = NEW.stan)
BEGIN SELECT RAISE(ABORT, 'this number is a payment''s'); END;

CREATE TRIGGER transactions_take_no_number_of_cash BEFORE INSERT ON transactions
WHEN EXISTS (SELECT 1 FROM cash_sales c WHERE c.merchant_code = NEW.merchant_code AND c.terminal_number = NEW.terminal_number
    AND c.batch = NEW.batch AND c.stan = NEW.stan)
BEGIN SELECT RAISE(ABORT, 'this number is a cash sale''s'); END;

-- Nothing goes back twice, whoever writes it.
CREATE TRIGGER cash_refunds_are_of_sales BEFORE INSERT ON cash_sales
WHEN NEW.kind = 'cash_refund' AND NOT EXISTS (SELECT 1 FROM cash_sales s WHERE s.id = NEW.sale AND s.kind = 'cash_sale'
    AND s.currency = NEW.currency
    AND s.amount - coalesce((SELECT sum(r.amount) FROM cash_sales r WHERE r.sale = s.id), 0) >= NEW.amount)
BEGIN SELECT RAISE(ABORT, 'more would go back than was paid in cash'); END;

-- Slips, as those of payments.
CREATE TABLE cash_copies (
    cash_sale INTEGER NOT NULL REFERENCES cash_sales (id),
    copy      TEXT NOT NULL CHECK (copy = 'merchant' OR copy = 'customer'),
    duplicate INTEGER NOT NULL CHECK (duplicate >= 0),
    state     TEXT NOT NULL CHECK (state = 'queued' OR state = 'sending' OR state = 'sent_unconfirmed' OR state = 'printed'
                OR state = 'failed'),
    PRIMARY KEY (cash_sale, copy, duplicate)
) STRICT, WITHOUT ROWID;

CREATE INDEX cash_copies_under_way ON cash_copies (state)
    WHERE state = 'queued' OR state = 'sending' OR state = 'sent_unconfirmed';

-- What was sold, as in payments.
CREATE TABLE cash_goods (
    cash_sale INTEGER NOT NULL REFERENCES cash_sales (id),
    position  INTEGER NOT NULL CHECK (position BETWEEN 1 AND 200),
    number    INTEGER NOT NULL CHECK (number BETWEEN 1 AND 99999999),
    name      TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    unit      TEXT NOT NULL CHECK (unit = 'piece' OR unit = 'kg' OR unit = '500g' OR unit = '100g'),
    quantity  INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 999999),
    price     INTEGER NOT NULL CHECK (price BETWEEN 0 AND 999999999999),
    discount  INTEGER NOT NULL CHECK (discount BETWEEN 0 AND 999999999999),
    amount    INTEGER NOT NULL CHECK (amount BETWEEN 0 AND 999999999999),
    tax_rate  INTEGER NOT NULL CHECK (tax_rate BETWEEN 0 AND 10000),
    PRIMARY KEY (cash_sale, position)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER cash_goods_are_not_changed BEFORE UPDATE ON cash_goods
BEGIN SELECT RAISE(ABORT, 'what was sold is never changed'); END;

CREATE TRIGGER cash_goods_are_not_deleted BEFORE DELETE ON cash_goods
BEGIN SELECT RAISE(ABORT, 'what was sold is never deleted'); END;
