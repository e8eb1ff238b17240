-- Payments are looked for by what was sold.

CREATE INDEX sold_goods_of_number ON sold_goods (number, transaction_id);
