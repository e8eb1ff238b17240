-- Version 1: what a shop sells, and carts that were put aside. It is no part of the ledger: what was sold stands there by itself.

CREATE TABLE goods (
    -- The shop's own number.
    number    INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 99999999),
    name      TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 60),
    -- Of one unit, in minor units of the currency, with tax.
    price     INTEGER NOT NULL CHECK (price BETWEEN 0 AND 999999999999),
    currency  TEXT NOT NULL CHECK (length(currency) = 3),
    unit      TEXT NOT NULL CHECK (unit = 'piece' OR unit = 'kg' OR unit = '500g' OR unit = '100g'),
    -- In hundredths of a percent.
    tax_rate  INTEGER NOT NULL CHECK (tax_rate BETWEEN 0 AND 10000),
    category  TEXT NOT NULL CHECK (length(category) <= 20),
    favourite INTEGER NOT NULL CHECK (favourite = 0 OR favourite = 1)
) STRICT;

CREATE INDEX favourites ON goods (number) WHERE favourite = 1;

-- As one number: zeros in front do not count.
CREATE TABLE barcodes (
    barcode INTEGER PRIMARY KEY CHECK (barcode BETWEEN 1 AND 99999999999999),
    number  INTEGER NOT NULL REFERENCES goods (number) ON DELETE CASCADE
) STRICT;

CREATE INDEX barcodes_of_good ON barcodes (number);

CREATE TABLE held_carts (
    -- What is called out to the customer: the smallest that is free.
    number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 99),
    -- Local time.
    at     TEXT NOT NULL,
    -- JSON; see goods/cart/stored.rs.
    cart   TEXT NOT NULL
) STRICT;
