//! The calls: who is asked, and how often.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use hyper::{Request, Uri};
use podsec_apimachinery::quote::quoted;
use podsec_transport::HttpsClient;
use tokio::time::{sleep, timeout};

/// A service and the credentials for it.
pub(super) struct Client {
    pub(super) https: HttpsClient,
    pub(super) uri: Uri,
    /// The header that tells the service who asks.
    pub(super) authorization: Option<HeaderValue>,
}

/// Why a call gave no answer.
struct Failure {
    why: String,
    /// Whether it may go better in a moment.
    is_passing: bool,
}

impl Client {
    /// Sends a review and returns the body of the answer; tries again what may go better.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) async fn post(&self, review: Vec<u8>) -> Result<Bytes, String> {
        let review = Bytes::from(review);
        let mut delay = FIRST_DELAY;
        for attempt in 1.. {
            let failure = match self.try_once(review.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if !failure.is_passing || attempt == MOST_ATTEMPTS {
                return Err(failure.why);
            }
            sleep(delay).await;
            delay = delay * 3 / 2;
        }
        Err("no attempt was made".to_owned())
    }

    async fn try_once(&self, review: Bytes) -> Result<Bytes, Failure> {
        let url = self.uri.to_string();
        let failed =
            |why: &str, is_passing| Failure { why: format!("Post {}: {why}", quoted(&url)), is_passing };
        let mut request = Request::post(self.uri.clone())
            .header(ACCEPT, "application/json, */*")
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, "kube-apiserver-webhook-authorizer");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        let request = request.body(Full::new(review)).map_err(|error| failed(&error.to_string(), false))?;
        let answer = timeout(TIMEOUT, self.https.send(request, LARGEST_ANSWER)).await;
        let answer = answer.map_err(|_| failed("context deadline exceeded", false))?;
        let response = answer.map_err(|error| failed(&error.to_string(), true))?;
        let code = response.status().as_u16();
        if response.status().is_success() {
            return Ok(response.into_body());
        }
        Err(failed(&format!("the webhook answered {code}"), code == 429 || code >= 500))
    }
}

/// As often as kube-apiserver tries, and after as long.
const MOST_ATTEMPTS: usize = 5;
const FIRST_DELAY: Duration = Duration::from_millis(500);
const TIMEOUT: Duration = Duration::from_secs(30);
const LARGEST_ANSWER: usize = 1 << 20;
