//! What the description says of the dialect and of each of its routes.

use serde_json::Map;

use super::routes::{MODULE_ROUTES, Need, ROUTES};
use super::schemas::schemas;
use crate::admin::openapi::{API_KEY, Answer, CERTIFICATE, Link, Operation, Parameter, Section};

/// What the description says of the dialect.
pub(in crate::admin) fn section() -> Section {
    Section {
        tag: "Qlik dialect",
        about: ABOUT.to_owned(),
        operations: ROUTES.iter().map(|route| route.operation).collect(),
        segments: SEGMENTS,
        schemas: schemas(),
        error: ("application/json", "QlikError"),
        errors: ERRORS,
        keys: &[CERTIFICATE, API_KEY],
    }
}

/// What it says of the session module.
pub(in crate::admin) fn module_section() -> Section {
    debug_assert!(MODULE_ROUTES.iter().all(|r| r.need != Need::AnyCaller));
    Section {
        tag: "Qlik session module",
        about: ABOUT_MODULE.to_owned(),
        operations: MODULE_ROUTES.iter().map(|route| route.operation).collect(),
        segments: SEGMENTS,
        // Those of the dialect.
        schemas: Map::new(),
        error: ("application/json", "QlikError"),
        errors: MODULE_ERRORS,
        keys: &[CERTIFICATE],
    }
}

const ABOUT: &str = "The same sessions in the form of Qlik's proxy service API, for the ticket \
    and session modules, portals and scripts that are written against it.\n\n\
    `{prefix}` is the path prefix of a space, or its id; without it, at `/qps/session` and so \
    on, it is the space whose prefix is empty. `/{prefix}/qps/...` is the same, and empty \
    segments count for nothing. Every call needs the same Xrf key in the query and in the \
    header: 16 letters and digits of the caller's choice.\n\n\
    Bodies are JSON whatever they are declared to be; their members are known in any case. An \
    error is one text, as JSON. Readers may look; to add, end and buy takes an administrator \
    of the space.\n\n\
    A session's `SessionId` is its public id, but in answers to who names it by the secret \
    that was chosen for it. The header `X-Qlik-User` is not looked at.";

const ABOUT_MODULE: &str = "An external proxy keeps the sessions of one of its virtual proxies \
    here, as ordinary sessions of the space that the configuration names. It shows a client \
    certificate; an API key opens nothing here, and no Xrf key is needed. Looking at a session \
    counts as a use of it.";

pub(super) const SESSIONS: Operation = Operation::get(
    "/qps/{prefix}/session",
    "qlikListSessions",
    "List the sessions of a virtual proxy",
)
.about("The open ones, newest first.")
.parameters(XRF)
.answers(&[Answer::json(200, "The sessions", "QlikSessionList")]);

pub(super) const ADD_SESSION: Operation = Operation::post(
    "/qps/{prefix}/session",
    "qlikAddSession",
    "Add a session",
)
.about(
    "The caller sets `SessionId` as the browser's session cookie of the space. Without one it \
     is told a new one, which nobody can be told again.",
)
.parameters(XRF)
.body("QlikNewSession")
.answers(&[
    Answer::json(201, "The session", "QlikAddedSession").links(ADDED),
    NOT_ADMITTED,
    TAKEN,
]);

pub(super) const SESSION: Operation = Operation::get(
    "/qps/{prefix}/session/{id}",
    "qlikGetSession",
    "Show a session",
)
.parameters(XRF)
.answers(&[Answer::json(200, "The session", "QlikSession"), NO_SESSION]);

pub(super) const END_SESSION: Operation = Operation::delete(
    "/qps/{prefix}/session/{id}",
    "qlikEndSession",
    "End a session",
)
.parameters(XRF)
.answers(&[
    Answer::json(200, "It has ended", "QlikEndedSession"),
    NO_SESSION,
]);

pub(super) const USER: Operation = Operation::get(
    "/qps/{prefix}/user/{directory}/{id}",
    "qlikListUserSessions",
    "List the sessions of a user",
)
.about("Of a user whom nobody knows, none.")
.parameters(XRF)
.answers(&[Answer::json(200, "The sessions", "QlikSessionList")]);

pub(super) const END_USER: Operation = Operation::delete(
    "/qps/{prefix}/user/{directory}/{id}",
    "qlikEndUserSessions",
    "End the sessions of a user",
)
.parameters(XRF)
.answers(&[Answer::json(200, "Those that ended", "QlikSessionList")]);

pub(super) const TICKET: Operation =
    Operation::post("/qps/{prefix}/ticket", "qlikAddTicket", "Buy a ticket")
        .about(
            "The browser redeems it within a minute, once, as `qlikTicket` in the query of an \
             address of the space; `TargetUri` is the one that it was asking for.",
        )
        .parameters(XRF)
        .body("QlikTicketRequest")
        .answers(&[
            Answer::json(201, "The ticket", "QlikTicket"),
            Answer::error(
                400,
                "The body cannot be understood, or the target is unknown",
            ),
            NOT_ADMITTED,
        ]);

pub(super) const ALIVE: Operation = Operation::get(
    "/qps/{prefix}/alive",
    "qlikAlive",
    "Whether the gateway is there",
)
.parameters(XRF)
.answers(&[Answer::json(200, "It is", "QlikAlive")]);

pub(super) const HEALTH: Operation =
    Operation::get("/qps/{prefix}/health", "qlikHealth", "How the gateway is")
        .parameters(XRF)
        .answers(&[Answer::json(200, "How it is", "QlikHealth")]);

pub(super) const LOG_ERROR: Operation = Operation::post(
    "/qps/{prefix}/error",
    "qlikLogError",
    "Write a line to the log",
)
.parameters(XRF)
.body("QlikErrorReport")
.answers(&[Answer::empty(204, "Written")]);

pub(super) const DESCRIPTION: Operation = Operation::get(
    "/qps/{prefix}/about/description",
    "qlikDescription",
    "The routes of the dialect",
)
.parameters(XRF)
.answers(&[Answer::json(200, "The routes", "QlikRouteList")]);

pub(super) const OPEN_API: Operation = Operation::get(
    "/qps/{prefix}/about/openapi/Main",
    "qlikOpenApi",
    "The routes of the dialect, in Swagger 2.0",
)
.parameters(XRF)
.answers(&[Answer::json(200, "The document", "QlikOpenApi")]);

pub(super) const MODULE_ADD: Operation =
    Operation::post("/session", "qlikModuleAddSession", "Add a session")
        .body("QlikNewSession")
        .answers(&[
            Answer::json(201, "The session", "QlikAddedSession"),
            NOT_ADMITTED,
            TAKEN,
        ]);

pub(super) const MODULE_SESSION: Operation = Operation::get(
    "/session/{id}",
    "qlikModuleGetSession",
    "Show a session, as it is used",
)
.answers(&[Answer::json(200, "The session", "QlikSession"), NO_SESSION]);

pub(super) const MODULE_END_SESSION: Operation =
    Operation::delete("/session/{id}", "qlikModuleEndSession", "End a session").answers(&[
        Answer::json(200, "It has ended", "QlikEndedSession"),
        NO_SESSION,
    ]);

pub(super) const MODULE_USER: Operation = Operation::get(
    "/user/{directory}/{id}",
    "qlikModuleListUserSessions",
    "List the sessions of a user",
)
.answers(&[Answer::json(200, "The sessions", "QlikSessionList")]);

pub(super) const MODULE_END_USER: Operation = Operation::delete(
    "/user/{directory}/{id}",
    "qlikModuleEndUserSessions",
    "End the sessions of a user",
)
.answers(&[Answer::json(200, "Those that ended", "QlikSessionList")]);

const SEGMENTS: &[Parameter] = &[
    Parameter::segment(
        "prefix",
        "The space's path prefix without its first slash, or its id",
        r#"{"type":"string","minLength":1,"maxLength":64,"examples":["sales"]}"#,
    ),
    Parameter::segment(
        "id",
        "The session's public id, or the secret that was chosen for it; of users, the user's id",
        r#"{"type":"string","minLength":1}"#,
    ),
    Parameter::segment(
        "directory",
        "The user's directory",
        r#"{"type":"string","minLength":1}"#,
    ),
];

const XRF: &[Parameter] = &[
    Parameter::query(
        "xrfkey",
        "The Xrf key; the name in any case",
        r#"{"type":"string","pattern":"^[0-9A-Za-z]{16}$","examples":["0123456789abcdef"]}"#,
    )
    .required(),
    Parameter::header(
        "X-Qlik-Xrfkey",
        "The same key",
        r#"{"type":"string","pattern":"^[0-9A-Za-z]{16}$","examples":["0123456789abcdef"]}"#,
    )
    .required(),
];

const ERRORS: &[Answer] = &[
    Answer::error(400, "The path, the body or the host cannot be understood"),
    Answer::error(401, "No client certificate, and no valid API key"),
    Answer::error(
        403,
        "The caller may not do this, the Xrf key is missing, or a page of another origin asks",
    ),
    Answer::error(404, "There is no such virtual proxy"),
    Answer::error(409, "Several spaces have this prefix"),
    Answer::empty(414, "The target is longer than 65,534 bytes"),
    Answer::error(421, "The side port does not answer to this host"),
    Answer::error(429, "Too many failed attempts; see `Retry-After`"),
    Answer::empty(431, "The head is too large"),
    Answer::error(503, "The session store does not answer"),
];

const MODULE_ERRORS: &[Answer] = &[
    Answer::error(400, "The path, the body or the host cannot be understood"),
    Answer::error(401, "No client certificate"),
    Answer::error(
        403,
        "The certificate may not do this, or a page of another origin asks",
    ),
    Answer::error(404, "The space of the session module is gone"),
    Answer::empty(414, "The target is longer than 65,534 bytes"),
    Answer::error(421, "The side port does not answer to this host"),
    Answer::empty(431, "The head is too large"),
    Answer::error(503, "The session store does not answer"),
];

const ADDED: &[Link] = &[added_link("qlikGetSession"), added_link("qlikEndSession")];

const fn added_link(operation: &'static str) -> Link {
    Link {
        operation,
        parameters: &[
            ("prefix", "$request.path.prefix"),
            ("id", "$response.body#/SessionId"),
        ],
    }
}

const NO_SESSION: Answer = Answer::error(404, "There is no such open session");
const NOT_ADMITTED: Answer = Answer::error(
    403,
    "The caller may not do this, or the user is locked or at a limit",
);
const TAKEN: Answer = Answer::error(
    409,
    "The `SessionId` is there already, or several spaces have this prefix",
);
