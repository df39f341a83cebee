-- What the ledger told about an order that somebody must look at: appended, once for each event.

CREATE TABLE shop_note (
    -- The event's id: the same at every delivery.
    event_id TEXT    NOT NULL PRIMARY KEY,
    order_no TEXT    NOT NULL,
    -- The ledger's word: review_required, money_returned or late_payment.
    kind     TEXT    NOT NULL,
    -- Why, in words, where the ledger says so.
    note     TEXT,
    -- Milliseconds since the Unix epoch, UTC.
    at       INTEGER NOT NULL
) STRICT;

CREATE INDEX shop_note_order ON shop_note (order_no);
