//! A client certificate that the server's TLS has verified.
//!
//! What is believed is what the server puts into a request's extensions: an
//! `Arc<`[`ClientCertificate`](crate::domain::ClientCertificate)`>`. No header can stand for
//! it, and without it nothing was requested (S33).
//!
//! Who a certificate is, [`CertificateUser`]s say, in their order:
//!
//! 1. The first that means the certificate decides. A certificate that none means is no
//!    credential here, and other methods are asked.
//! 2. Directory, id, name and e-mail address are [`CertificateTemplate`]s. A part that they
//!    name must be in the certificate exactly once (twice with the same value is once), or the
//!    certificate is refused: between two common names nobody can choose.
//! 3. Attributes take all values of a part, and there may be none.
//!
//! The certificate itself is the credential: until it ceases to be valid, a request with it
//! and without a cookie finds the session that it has opened.
//!
//! ```
//! use std::convert::Infallible;
//! use std::sync::Arc;
//!
//! use gatepass::authn::certificate::{CertificateAuthenticator, CertificateUser, Certificates};
//! use gatepass::domain::{AltName, ClientCertificate, Session, SpaceId, Timestamp};
//! use gatepass::layer::ProxySessionLayer;
//! use gatepass::sessions::Sessions;
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let people = CertificateUser::new(Certificates::Any, "LAB".parse()?, "$uid".parse()?)?
//!     .with_name("$cn".parse()?)
//!     .with_email("$email".parse()?)
//!     .with_attribute("unit", "$ou".parse()?);
//! let authenticator = CertificateAuthenticator::builder().user(people).build()?;
//! let service = ServiceBuilder::new()
//!     .layer(ProxySessionLayer::new(Sessions::default()).authenticator(authenticator))
//!     .service(service_fn(|request: Request<String>| async move {
//!         let session = request.extensions().get::<Arc<Session>>().expect("the layer put it there");
//!         Ok::<_, Infallible>(Response::new(format!("hello {}", session.user_name())))
//!     }));
//!
//! // What the server does when a client has shown its certificate:
//! let certificate = ClientCertificate {
//!     subject: vec![("UID".into(), "ann".into()), ("CN".into(), "Ann Adams".into())],
//!     alt_names: vec![AltName::Email("ann@example.com".into())],
//!     fingerprint: [7; 32],
//!     serial: "01".into(),
//!     not_after: Timestamp::from_unix_millis(4_102_444_800_000),
//! };
//! let mut request = Request::new(String::new());
//! request.extensions_mut().insert(Arc::new(certificate));
//! assert_eq!(service.oneshot(request).await?.status(), 200);
//! # Ok(())
//! # }
//! ```

mod authenticator;
mod builder;
mod part;
mod template;
mod user;

pub use authenticator::CertificateAuthenticator;
pub use builder::{CertificateAuthenticatorBuilder, CertificateConfigError};
pub use part::{CertificatePart, PartError};
pub use template::{CertificateTemplate, CertificateTemplateError};
pub use user::{CertificateUser, Certificates};

#[cfg(test)]
mod tests;
