//! OCSP responses to staple (RFC 6960, RFC 6066 section 8).

use std::path::Path;

use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;
use yasna::{ASN1Error, ASN1ErrorKind, ASN1Result, BERReader, Tag};

use super::wall::timestamp;
use super::{TlsError, files};
use crate::domain::Timestamp;

/// What a response says of a certificate.
#[derive(Debug)]
struct Single {
    /// The serial number, as DER writes it.
    serial: Vec<u8>,
    next_update: Option<Timestamp>,
}

/// The response in the file `path`, which is about `leaf`. One that is out of date is taken
/// with a warning: clients that insist on it turn away, the others ask for themselves.
pub(super) fn read(
    path: &Path,
    leaf: &X509Certificate<'_>,
    now: Timestamp,
) -> Result<Vec<u8>, TlsError> {
    let der = files::read(path)?;
    let wrong = |what: &str| TlsError::content(path, what);
    let (status, basic) = yasna::parse_der(&der, response)
        .map_err(|_| wrong("it is no OCSP response in DER form"))?;
    let basic = match (status, basic) {
        (SUCCESSFUL, Some(basic)) => basic,
        _ => return Err(wrong("it is an OCSP responder's error, and no answer")),
    };
    let singles = yasna::parse_der(&basic, basic_response)
        .map_err(|_| wrong("its answer is no basic OCSP response"))?;
    let serial = leaf.raw_serial();
    let single = singles.iter().find(|single| single.serial == serial);
    let single = single.ok_or_else(|| wrong("it is about another certificate"))?;
    if single.next_update.is_some_and(|next| next < now) {
        tracing::warn!(file = %path.display(), "an OCSP response is out of date: clients may turn away");
    }
    Ok(der)
}

/// `OCSPResponse`: the status, and the content of a basic response.
fn response(reader: BERReader<'_, '_>) -> ASN1Result<(i64, Option<Vec<u8>>)> {
    reader.read_sequence(|reader| {
        let status = reader.next().read_enum()?;
        let basic = reader.read_optional(|reader| {
            reader.read_tagged(Tag::context(0), |reader| {
                reader.read_sequence(|reader| {
                    reader.next().read_oid()?;
                    reader.next().read_bytes()
                })
            })
        })?;
        Ok((status, basic))
    })
}

/// `BasicOCSPResponse`: what it says of each certificate.
fn basic_response(reader: BERReader<'_, '_>) -> ASN1Result<Vec<Single>> {
    reader.read_sequence(|reader| {
        let singles = reader.next().read_sequence(|reader| {
            reader.read_optional(|reader| {
                reader.read_tagged(Tag::context(0), |reader| reader.read_i64())
            })?;
            reader.next().read_der()?; // who answers
            reader.next().read_der()?; // when
            let singles = reader.next().collect_sequence_of(single)?;
            reader.read_optional(|reader| reader.read_tagged_der())?; // extensions
            Ok(singles)
        })?;
        reader.next().read_der()?; // algorithm
        reader.next().read_der()?; // signature
        reader.read_optional(|reader| reader.read_tagged_der())?; // certificates
        Ok(singles)
    })
}

/// `SingleResponse`.
fn single(reader: BERReader<'_, '_>) -> ASN1Result<Single> {
    reader.read_sequence(|reader| {
        let serial = reader.next().read_sequence(|reader| {
            reader.next().read_der()?; // hash algorithm
            reader.next().read_bytes()?; // issuer's name
            reader.next().read_bytes()?; // issuer's key
            let (serial, positive) = reader.next().read_bigint_bytes()?;
            Ok(if positive { serial } else { Vec::new() })
        })?;
        reader.next().read_der()?; // status
        reader.next().read_der()?; // as of
        let next_update = reader
            .read_optional(|reader| reader.read_tagged(Tag::context(0), |reader| time(reader)))?;
        reader.read_optional(|reader| reader.read_tagged_der())?; // extensions
        Ok(Single {
            serial,
            next_update,
        })
    })
}

fn time(reader: BERReader<'_, '_>) -> ASN1Result<Timestamp> {
    let der = reader.read_der()?;
    match ASN1Time::from_der(&der) {
        Ok((_, time)) => Ok(timestamp(time.timestamp())),
        Err(_) => Err(ASN1Error::new(ASN1ErrorKind::Invalid)),
    }
}

const SUCCESSFUL: i64 = 0;
