//! Clients that ask until nobody listens any more, and fail when anything is lost before.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::client::{Client, post};

/// Asks on one connection after the other until nobody listens. A request that the server says it has not begun is
/// sent again, as every HTTP/2 client does.
pub async fn http2(client: &Client, body: &[u8], answered: &AtomicUsize) {
    while let Ok(mut connection) = client.http2().await {
        loop {
            match connection.review(body.to_vec()).await {
                Ok((status, _)) => assert!(status.is_success()),
                Err(error) => {
                    let unsent = error.is_canceled() || error.is_closed() || is_goaway(&error);
                    assert!(unsent, "a request that was begun failed: {error:?}");
                    break;
                }
            }
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Asks on one connection after the other until nobody listens. The server says with each answer whether the
/// connection goes on.
pub async fn http1(client: &Client, body: &[u8], answered: &AtomicUsize) {
    while let Ok(mut connection) = client.http1().await {
        while !connection.is_closed() {
            let request = post("/", "application/json", body.to_vec().into());
            match connection.send(request).await {
                Ok((status, _)) => assert!(status.is_success()),
                Err(error) => {
                    assert!(
                        error.is_canceled() || error.is_closed(),
                        "a request that was sent failed: {error:?}"
                    );
                    break;
                }
            }
            answered.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    }
}

/// Whether the connection ended in peace: GOAWAY without an error.
fn is_goaway(error: &hyper::Error) -> bool {
    format!("{error:?}").contains("GoAway(b\"\", NO_ERROR")
}
