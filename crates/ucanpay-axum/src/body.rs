//! Reads a notification's body, up to a limit, as the bytes it came in: the signature covers their exact characters.

use crate::Nack;
use crate::rejection::{BodyTooLarge, BodyUnreadable, NotificationRejection};
use axum_core::BoxError;
use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};

/// The longest notification that is read, in bytes: 64 KiB. The gateway's are about 1 KiB.
pub const MAX_NOTIFICATION_BYTES: usize = 64 * 1024;

pub(crate) async fn read<B>(body: B) -> Result<Bytes, NotificationRejection>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    // A body that announces its length is not read at all when that is too much.
    if body.size_hint().lower() > MAX_NOTIFICATION_BYTES as u64 {
        return Err(BodyTooLarge.into());
    }
    match Limited::new(body, MAX_NOTIFICATION_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(BodyTooLarge.into()),
        Err(error) => Err(BodyUnreadable(error).into()),
    }
}

/// The answer to a notification whose body could not be read.
pub(crate) fn refuse(rejection: NotificationRejection) -> Nack {
    tracing::warn!(reason = %rejection, "a notification was not read");
    rejection.into()
}
