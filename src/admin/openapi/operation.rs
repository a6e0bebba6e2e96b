//! What the document says of one route.

use axum::routing::MethodFilter;

/// A route as its users see it. The table of a dialect's routes is made of these, and the
/// router and the document of that table.
///
/// ```ignore
/// const LIST: Operation = Operation::get("/things/{thing}", "listThings", "List things")
///     .about("Newest first.")
///     .parameters(&[Parameter::query("limit", "How many", r#"{"type":"integer"}"#)])
///     .answers(&[Answer::json(200, "The things", "ThingList")]);
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) method: Verb,
    /// With the variable segments in braces.
    pub(crate) path: &'static str,
    /// A name that no other operation has.
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) about: &'static str,
    /// Of the query and the header; those of the path are the section's.
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Option<BodyOf>,
    pub(super) answers: &'static [Answer],
    pub(super) open: bool,
}

/// The methods that routes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Delete,
}

/// Something that a request says in its path, query or header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(super) place: Place,
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// A JSON schema.
    pub(super) schema: &'static str,
    pub(super) required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

/// A request's body: JSON, or something of JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct BodyOf {
    pub(super) media_type: &'static str,
    pub(super) schema: &'static str,
    pub(super) required: bool,
}

/// An answer that an operation may give. Errors that all have are the section's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(super) status: u16,
    pub(super) about: &'static str,
    pub(super) content: Content,
    pub(super) links: &'static [Link],
}

/// An operation that takes up what an answer gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// Its id.
    pub(crate) operation: &'static str,
    /// Its parameters, and the runtime expressions that they are.
    pub(crate) parameters: &'static [(&'static str, &'static str)],
}

/// What is in an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Content {
    /// Nothing.
    Empty,
    /// JSON by the schema of this name.
    Json(&'static str),
    /// An error as the section tells errors.
    Error,
    /// Text of this media type.
    Text(&'static str),
}

impl Operation {
    pub(crate) const fn get(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::of(Verb::Get, path, id, summary)
    }

    pub(crate) const fn post(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::of(Verb::Post, path, id, summary)
    }

    pub(crate) const fn put(path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self::of(Verb::Put, path, id, summary)
    }

    pub(crate) const fn delete(
        path: &'static str,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        Self::of(Verb::Delete, path, id, summary)
    }

    const fn of(method: Verb, path: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            about: "",
            parameters: &[],
            body: None,
            answers: &[],
            open: false,
        }
    }

    /// Says more than the summary does.
    pub(crate) const fn about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    /// The parameters of the query and the header.
    pub(crate) const fn parameters(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    /// The schema of the JSON body, which has to be there.
    pub(crate) const fn body(self, schema: &'static str) -> Self {
        self.body_of("application/json", schema)
    }

    /// As [`body`](Self::body), of another media type.
    pub(crate) const fn body_of(self, media_type: &'static str, schema: &'static str) -> Self {
        let body = BodyOf {
            media_type,
            schema,
            required: true,
        };
        Self {
            body: Some(body),
            ..self
        }
    }

    /// The answers of its own.
    pub(crate) const fn answers(self, answers: &'static [Answer]) -> Self {
        Self { answers, ..self }
    }

    /// Needs no key.
    pub(crate) const fn open(self) -> Self {
        Self { open: true, ..self }
    }

    /// Needs no key, if `open`.
    pub(crate) const fn open_if(self, open: bool) -> Self {
        Self { open, ..self }
    }

    /// Its name among all operations.
    pub(crate) const fn id(&self) -> &'static str {
        self.id
    }

    /// What it does, in some words.
    pub(crate) const fn summary(&self) -> &'static str {
        self.summary
    }

    /// The answers of its own: their statuses, and when they are given.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (u16, &'static str)> {
        self.answers
            .iter()
            .map(|answer| (answer.status, answer.about))
    }

    /// The names of the variable segments.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &'static str> {
        let pieces = self.path.split('{').skip(1);
        pieces.filter_map(|piece| piece.split_once('}').map(|(name, _)| name))
    }
}

impl Verb {
    /// The method, as a router wants it.
    pub(crate) const fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    /// The method, as the document spells it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
            Self::Put => "put",
            Self::Delete => "delete",
        }
    }
}

impl Parameter {
    /// A segment of the path.
    pub(crate) const fn segment(
        name: &'static str,
        about: &'static str,
        schema: &'static str,
    ) -> Self {
        Self::of(Place::Path, name, about, schema)
    }

    /// A parameter of the query.
    pub(crate) const fn query(
        name: &'static str,
        about: &'static str,
        schema: &'static str,
    ) -> Self {
        Self::of(Place::Query, name, about, schema)
    }

    /// A header.
    pub(crate) const fn header(
        name: &'static str,
        about: &'static str,
        schema: &'static str,
    ) -> Self {
        Self::of(Place::Header, name, about, schema)
    }

    const fn of(
        place: Place,
        name: &'static str,
        about: &'static str,
        schema: &'static str,
    ) -> Self {
        Self {
            place,
            name,
            about,
            schema,
            required: matches!(place, Place::Path),
        }
    }

    /// Has to be given.
    pub(crate) const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }
}

impl Place {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
        }
    }
}

impl Answer {
    /// JSON by the schema of this name.
    pub(crate) const fn json(status: u16, about: &'static str, schema: &'static str) -> Self {
        Self::of(status, about, Content::Json(schema))
    }

    /// An error as the section tells errors.
    pub(crate) const fn error(status: u16, about: &'static str) -> Self {
        Self::of(status, about, Content::Error)
    }

    /// Text of a media type.
    pub(crate) const fn text(status: u16, about: &'static str, media_type: &'static str) -> Self {
        Self::of(status, about, Content::Text(media_type))
    }

    /// No body.
    pub(crate) const fn empty(status: u16, about: &'static str) -> Self {
        Self::of(status, about, Content::Empty)
    }

    const fn of(status: u16, about: &'static str, content: Content) -> Self {
        Self {
            status,
            about,
            content,
            links: &[],
        }
    }

    /// With operations that take it up.
    pub(crate) const fn links(self, links: &'static [Link]) -> Self {
        Self { links, ..self }
    }
}
