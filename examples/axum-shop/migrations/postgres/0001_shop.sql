-- The shop's own tables, beside the ledger's (`ucanpay_…`) in the same database. The ledger keeps the payment of an
-- order under the same number.

CREATE TABLE shop_order (
    order_no   TEXT   NOT NULL PRIMARY KEY,
    position   BIGINT GENERATED ALWAYS AS IDENTITY,
    -- JSON: sku, name, unit price in cents as it was, quantity.
    items      TEXT   NOT NULL,
    -- Cents.
    total      BIGINT NOT NULL CHECK (total > 0),
    -- Milliseconds since the Unix epoch, UTC.
    created_at BIGINT NOT NULL,
    -- Given out once the order is paid; the kitchen works by it.
    ticket     BIGINT UNIQUE
);

CREATE INDEX shop_order_created ON shop_order (created_at, position);

-- What the ledger told about an order that somebody must look at: appended, once for each event.

CREATE TABLE shop_note (
    -- The event's id: the same at every delivery.
    event_id TEXT   NOT NULL PRIMARY KEY,
    position BIGINT GENERATED ALWAYS AS IDENTITY,
    order_no TEXT   NOT NULL,
    -- The ledger's word: review_required, money_returned or late_payment.
    kind     TEXT   NOT NULL,
    -- Why, in words, where the ledger says so.
    note     TEXT,
    -- Milliseconds since the Unix epoch, UTC.
    at       BIGINT NOT NULL
);

CREATE INDEX shop_note_order ON shop_note (order_no);
