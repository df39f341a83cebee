-- The ledger. Amounts are cents, times are milliseconds since the Unix epoch (UTC), flags are 0 or 1.

CREATE TABLE ucanpay_payment (
    provider       TEXT    NOT NULL,
    reference      TEXT    NOT NULL,
    merchant       TEXT    NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount > 0),
    currency       TEXT    NOT NULL,
    subject        TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    late           INTEGER NOT NULL CHECK (late IN (0, 1)),
    -- requested, done (whatever was paid went back), refused; NULL if there never was one.
    reversal       TEXT,
    -- What becomes of it if it is paid after it was closed.
    late_policy    TEXT    NOT NULL,
    -- When our time for it is up, or was; when the gateway said that it is closed.
    expires_at     INTEGER NOT NULL,
    closed_at      INTEGER,
    gateway_number TEXT,
    pay_link       TEXT,
    trouble        TEXT,
    created_at     INTEGER NOT NULL,
    paid_at        INTEGER,
    next_check_at  INTEGER,
    lease_until    INTEGER,
    request_path   TEXT    NOT NULL,
    request_body   BLOB    NOT NULL,
    request_key    TEXT    NOT NULL,
    version        INTEGER NOT NULL,
    events         INTEGER NOT NULL,
    PRIMARY KEY (provider, reference),
    CHECK ((state = 'paid') = (paid_at IS NOT NULL)),
    CHECK (reversal IS NULL OR reversal <> 'done' OR state IN ('paid', 'closed'))
) STRICT;

CREATE UNIQUE INDEX ucanpay_payment_gateway_number ON ucanpay_payment (provider, gateway_number)
    WHERE gateway_number IS NOT NULL;
CREATE INDEX ucanpay_payment_due ON ucanpay_payment (provider, next_check_at, created_at, state)
    WHERE next_check_at IS NOT NULL;
CREATE INDEX ucanpay_payment_created ON ucanpay_payment (created_at);
CREATE INDEX ucanpay_payment_paid ON ucanpay_payment (paid_at) WHERE paid_at IS NOT NULL;

CREATE TABLE ucanpay_refund (
    provider       TEXT    NOT NULL,
    number         TEXT    NOT NULL,
    reference      TEXT    NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount > 0),
    reason         TEXT    NOT NULL,
    state          TEXT    NOT NULL,
    gateway_number TEXT,
    trouble        TEXT,
    created_at     INTEGER NOT NULL,
    -- While it has failed: since when, and when the gateway said so again ten minutes or more after that.
    failed_at      INTEGER,
    confirmed_at   INTEGER,
    next_check_at  INTEGER,
    lease_until    INTEGER,
    -- How often it was asked for: again after it had failed; 0 for money returned through the merchant portal.
    submissions    INTEGER NOT NULL,
    -- NULL for money returned through the merchant portal, without a request of ours.
    request_path   TEXT,
    request_body   BLOB,
    request_key    TEXT,
    version        INTEGER NOT NULL,
    PRIMARY KEY (provider, number),
    FOREIGN KEY (provider, reference) REFERENCES ucanpay_payment (provider, reference),
    CHECK ((state = 'failed') = (failed_at IS NOT NULL)),
    CHECK (confirmed_at IS NULL OR failed_at IS NOT NULL)
) STRICT;

CREATE INDEX ucanpay_refund_payment ON ucanpay_refund (provider, reference);
CREATE INDEX ucanpay_refund_due ON ucanpay_refund (provider, next_check_at, created_at, state)
    WHERE next_check_at IS NOT NULL;

-- What proves a fact: the signed text, its signature, the key. A copy that comes again is counted in `seen`.
CREATE TABLE ucanpay_evidence (
    provider    TEXT    NOT NULL,
    digest      TEXT    NOT NULL,
    -- As the message states it; it need not be a payment of ours.
    reference   TEXT,
    source      TEXT    NOT NULL,
    verdict     TEXT    NOT NULL,
    note        TEXT,
    signed_text TEXT    NOT NULL,
    signature   TEXT    NOT NULL,
    signing_key TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    seen        INTEGER NOT NULL,
    PRIMARY KEY (provider, digest)
) STRICT;

CREATE INDEX ucanpay_evidence_payment ON ucanpay_evidence (provider, reference);

-- What a person must look at. The payment needs review while one of its rows is open.
CREATE TABLE ucanpay_discrepancy (
    provider     TEXT    NOT NULL,
    reference    TEXT    NOT NULL,
    number       INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    note         TEXT    NOT NULL,
    -- The digest of the message that shows it; NULL where no signed message does.
    evidence     TEXT,
    opened_at    INTEGER NOT NULL,
    closed_at    INTEGER,
    closing_note TEXT,
    PRIMARY KEY (provider, reference, number),
    FOREIGN KEY (provider, reference) REFERENCES ucanpay_payment (provider, reference),
    CHECK ((closed_at IS NULL) = (closing_note IS NULL))
) STRICT;

CREATE INDEX ucanpay_discrepancy_open ON ucanpay_discrepancy (opened_at) WHERE closed_at IS NULL;

-- Every move of a payment (refund IS NULL) or a refund. Replaying it gives the row's state and version.
CREATE TABLE ucanpay_transition (
    id         INTEGER PRIMARY KEY,
    provider   TEXT    NOT NULL,
    reference  TEXT    NOT NULL,
    refund     TEXT,
    version    INTEGER NOT NULL,
    from_state TEXT,
    to_state   TEXT    NOT NULL,
    cause      TEXT    NOT NULL,
    evidence   TEXT,
    at         INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX ucanpay_transition_version
    ON ucanpay_transition (provider, reference, ifnull(refund, ''), version);

CREATE TABLE ucanpay_outbox (
    position        INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    provider        TEXT    NOT NULL,
    reference       TEXT,
    sequence        INTEGER NOT NULL,
    kind            TEXT    NOT NULL,
    details         TEXT    NOT NULL,
    created_at      INTEGER NOT NULL,
    -- When it left the outbox: the handler took it, or, where there is a note, a person skipped it.
    delivered_at    INTEGER,
    skip_note       TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    lease_until     INTEGER,
    -- Since when it waits for a person, and what the handler failed with last.
    parked_at       INTEGER,
    trouble         TEXT,
    CHECK (skip_note IS NULL OR delivered_at IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX ucanpay_outbox_sequence ON ucanpay_outbox (provider, reference, sequence)
    WHERE reference IS NOT NULL;
CREATE INDEX ucanpay_outbox_waiting ON ucanpay_outbox (position, created_at)
    WHERE delivered_at IS NULL AND parked_at IS NULL;
CREATE INDEX ucanpay_outbox_parked ON ucanpay_outbox (parked_at) WHERE delivered_at IS NULL AND parked_at IS NOT NULL;
CREATE INDEX ucanpay_outbox_waiting_payment ON ucanpay_outbox (provider, reference, sequence)
    WHERE delivered_at IS NULL;
CREATE INDEX ucanpay_outbox_recovered ON ucanpay_outbox (created_at) WHERE kind = 'recovered_by_query';

-- A merchant account that the gateway once took no calls of; the moment says until when.
CREATE TABLE ucanpay_account (
    provider      TEXT    NOT NULL PRIMARY KEY,
    blocked_until INTEGER NOT NULL
) STRICT;
