-- The ledger. Amounts are cents, times are milliseconds since the Unix epoch (UTC).

CREATE TABLE ucanpay_payment (
    provider       TEXT    NOT NULL,
    reference      TEXT    NOT NULL,
    merchant       TEXT    NOT NULL,
    amount         BIGINT  NOT NULL CHECK (amount > 0),
    currency       TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    needs_review   BOOLEAN NOT NULL,
    late           BOOLEAN NOT NULL,
    -- Money went back, and no refund row says how much.
    unexplained_return BOOLEAN NOT NULL,
    gateway_number TEXT,
    pay_link       TEXT,
    trouble        TEXT,
    created_at     BIGINT  NOT NULL,
    paid_at        BIGINT,
    next_check_at  BIGINT,
    lease_until    BIGINT,
    request_path   TEXT    NOT NULL,
    request_body   BYTEA   NOT NULL,
    request_key    TEXT    NOT NULL,
    version        BIGINT  NOT NULL,
    events         BIGINT  NOT NULL,
    PRIMARY KEY (provider, reference),
    CHECK ((state = 'paid') = (paid_at IS NOT NULL))
);

CREATE UNIQUE INDEX ucanpay_payment_gateway_number ON ucanpay_payment (provider, gateway_number)
    WHERE gateway_number IS NOT NULL;
CREATE INDEX ucanpay_payment_due ON ucanpay_payment (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX ucanpay_payment_created ON ucanpay_payment (created_at);

CREATE TABLE ucanpay_refund (
    provider       TEXT    NOT NULL,
    number         TEXT    NOT NULL,
    -- The order in which the refunds of a payment were recorded.
    position       BIGINT  GENERATED ALWAYS AS IDENTITY,
    reference      TEXT    NOT NULL,
    amount         BIGINT  NOT NULL CHECK (amount > 0),
    reason         TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    gateway_number TEXT,
    trouble        TEXT,
    created_at     BIGINT  NOT NULL,
    next_check_at  BIGINT,
    lease_until    BIGINT,
    -- NULL for money returned through the merchant portal, without a request of ours.
    request_path   TEXT,
    request_body   BYTEA,
    request_key    TEXT,
    version        BIGINT  NOT NULL,
    PRIMARY KEY (provider, number),
    FOREIGN KEY (provider, reference) REFERENCES ucanpay_payment (provider, reference)
);

CREATE INDEX ucanpay_refund_payment ON ucanpay_refund (provider, reference);
CREATE INDEX ucanpay_refund_due ON ucanpay_refund (next_check_at) WHERE next_check_at IS NOT NULL;

-- What proves a fact: the signed text, its signature, the key. A copy that comes again is counted in `seen`.
CREATE TABLE ucanpay_evidence (
    provider    TEXT    NOT NULL,
    digest      TEXT    NOT NULL,
    -- As the message states it; it need not be a payment of ours.
    reference   TEXT,
    source      TEXT    NOT NULL,
    verdict     TEXT    NOT NULL,
    note        TEXT,
    -- The exact bytes (UTF-8): TEXT cannot hold U+0000, which a signed message can. Read it with
    -- convert_from(signed_text, 'UTF8').
    signed_text BYTEA   NOT NULL,
    signature   TEXT    NOT NULL,
    signing_key TEXT    NOT NULL,
    received_at BIGINT  NOT NULL,
    seen        BIGINT  NOT NULL,
    PRIMARY KEY (provider, digest)
);

CREATE INDEX ucanpay_evidence_payment ON ucanpay_evidence (provider, reference);

-- Every move of a payment (refund IS NULL) or a refund. Replaying it gives the row's state and version.
CREATE TABLE ucanpay_transition (
    id         BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    provider   TEXT    NOT NULL,
    reference  TEXT    NOT NULL,
    refund     TEXT,
    version    BIGINT  NOT NULL,
    from_state TEXT,
    to_state   TEXT    NOT NULL,
    cause      TEXT    NOT NULL,
    evidence   TEXT,
    at         BIGINT  NOT NULL
);

CREATE UNIQUE INDEX ucanpay_transition_version
    ON ucanpay_transition (provider, reference, coalesce(refund, ''), version);

CREATE TABLE ucanpay_outbox (
    position        BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    provider        TEXT    NOT NULL,
    reference       TEXT,
    sequence        BIGINT  NOT NULL,
    kind            TEXT    NOT NULL,
    details         TEXT    NOT NULL,
    created_at      BIGINT  NOT NULL,
    delivered_at    BIGINT,
    attempts        BIGINT  NOT NULL DEFAULT 0,
    next_attempt_at BIGINT  NOT NULL,
    lease_until     BIGINT
);

CREATE UNIQUE INDEX ucanpay_outbox_sequence ON ucanpay_outbox (provider, reference, sequence)
    WHERE reference IS NOT NULL;
-- Those that wait, in the order in which they are taken: short, however long the outbox has become.
CREATE INDEX ucanpay_outbox_waiting ON ucanpay_outbox (position) WHERE delivered_at IS NULL;
CREATE INDEX ucanpay_outbox_waiting_payment ON ucanpay_outbox (provider, reference, sequence)
    WHERE delivered_at IS NULL;
