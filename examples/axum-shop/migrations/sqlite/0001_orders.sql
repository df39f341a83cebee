-- The shop's own table, beside the ledger's (`ucanpay_…`) in the same file. The ledger keeps the payment of an order
-- under the same number.

CREATE TABLE shop_order (
    order_no   TEXT    NOT NULL PRIMARY KEY,
    -- JSON: sku, name, unit price in cents as it was, quantity.
    items      TEXT    NOT NULL,
    -- Cents.
    total      INTEGER NOT NULL CHECK (total > 0),
    -- Milliseconds since the Unix epoch, UTC.
    created_at INTEGER NOT NULL,
    -- Given out once the order is paid; the kitchen works by it.
    ticket     INTEGER UNIQUE
) STRICT;

CREATE INDEX shop_order_created ON shop_order (created_at);
