//! What the description says of the dialect and of each of its routes.

use super::routes::{Need, ROUTES};
use super::schemas::schemas;
use crate::admin::openapi::{API_KEY, Answer, Key, Link, Operation, Parameter, Section};

/// What the description says of the dialect.
pub(in crate::admin) fn section() -> Section {
    let operations = ROUTES
        .iter()
        .map(|route| route.operation.open_if(route.need == Need::Nothing));
    Section {
        tag: "Octane dialect",
        about: ABOUT.to_owned(),
        operations: operations.collect(),
        segments: SEGMENTS,
        schemas: schemas(),
        error: ("application/json", "OctaneError"),
        errors: ERRORS,
        keys: &[API_KEY, BASIC, COOKIE],
    }
}

const ABOUT: &str = "The same sessions, for the scripts and libraries that are written against \
    the sessions API of OpenText Octane.\n\n\
    Who signs in with a key's id and secret gets the cookie `LWSSO_COOKIE_KEY`; the key itself \
    is taken as well, as a bearer token or as user and password. Sessions and tasks are for \
    keys of the role `space-admin` only, and of their own spaces: all others are answered 403.\n\n\
    Every path also answers with a trailing slash, and every path below a space also below \
    `/api/shared_spaces/{space}/workspaces/{workspace}`, whatever the workspace; these \
    spellings are not listed here. A space is named by its id or its name. A request's \
    `X-Correlation-Id` comes back in the error. A parameter without a value counts as not \
    given, and parameters and members that are not known are passed over. Bodies may be \
    compressed with gzip.";

const BASIC: Key = Key {
    name: "basic",
    scheme: r#"{"type":"http","scheme":"basic","description":"A key's id as the user, its secret as the password."}"#,
};

const COOKIE: Key = Key {
    name: "lwssoCookie",
    scheme: r#"{"type":"apiKey","in":"cookie","name":"LWSSO_COOKIE_KEY","description":"The session that `POST /authentication/sign_in` opened."}"#,
};

pub(super) const SIGN_IN: Operation =
    Operation::post("/authentication/sign_in", "octaneSignIn", "Sign in")
        .about(
            "Opens a session for the holder of a key, in the first space that the key is for, \
             and sets its cookie. `user` and `password` are understood for `client_id` and \
             `client_secret`.",
        )
        .body("OctaneCredentials")
        .answers(&[
            Answer::empty(200, "Signed in: the answer sets the cookie"),
            Answer::error(400, "The body or the host cannot be understood"),
            Answer::error(401, "The id or the secret is wrong"),
            Answer::error(
                403,
                "There is no space for the key, the space takes no more sessions, or a page of \
                 another origin asks",
            ),
            TOO_LARGE,
            LONG_TARGET,
            NOT_JSON,
            WRONG_HOST,
            TOO_MANY,
            LARGE_HEAD,
            NO_STORE,
        ]);

pub(super) const SIGN_OUT: Operation =
    Operation::post("/authentication/sign_out", "octaneSignOut", "Sign out")
        .about("Ends the session of the cookie, if there is one, and takes the cookie back.")
        .answers(&[
            Answer::empty(200, "Signed out"),
            Answer::error(400, "The host cannot be understood"),
            Answer::error(403, "A page of another origin asks"),
            LONG_TARGET,
            WRONG_HOST,
            LARGE_HEAD,
            NO_STORE,
        ]);

pub(super) const CURRENT_USER: Operation =
    Operation::get("/api/current_user", "octaneCurrentUser", "Show who calls")
        .answers(&[Answer::json(200, "The key, as a user", "OctaneUser")]);

pub(super) const VERSION: Operation = Operation::get(
    "/admin/server/version",
    "octaneServerVersion",
    "Show what answers",
)
.answers(&[Answer::json(200, "The version", "OctaneVersion")]);

pub(super) const SPACES: Operation = Operation::get(
    "/api/shared_spaces",
    "octaneListSpaces",
    "List shared spaces",
)
.about("Those that the caller may look at, in the configuration's order.")
.parameters(&[LIMIT, OFFSET])
.answers(&[Answer::json(200, "The spaces", "OctaneSpaceList")]);

pub(super) const SESSIONS: Operation =
    Operation::get(SESSIONS_PATH, "octaneListSessions", "List sessions")
        .about(
            "Newest start first, unless `order_by` says otherwise. A filter is over ids, over \
         `end_time=null`, or over a range of `start_time` of at most 30 days; one that is over \
         none of these is of the last 30 days. With `group_by` the sessions are counted, as by \
         `sessions/groups`.",
        )
        .parameters(&[QUERY, FIELDS, EXPAND, ORDER_BY, GROUP_BY, LIMIT, OFFSET])
        .answers(&[
            Answer::json(
                200,
                "The sessions, or with `group_by` the groups",
                "OctaneSessionsOrGroups",
            )
            .links(FIRST_SESSION),
            NO_SPACE,
        ]);

pub(super) const UPDATE_MANY: Operation = Operation::put(
    SESSIONS_PATH,
    "octaneUpdateSessions",
    "End several sessions",
)
.about("Closing is all that can be done to a session.")
.parameters(&[FIELDS, EXPAND])
.body("OctaneUpdates")
.answers(&[
    Answer::json(200, "All of them have ended", "OctaneSessionList"),
    NO_SPACE,
    Answer::json(
        409,
        "Some are not there; the others have ended",
        "OctanePartialUpdate",
    ),
    TOO_LARGE,
    NOT_JSON,
]);

pub(super) const GROUPS: Operation = Operation::get(
    "/api/shared_spaces/{space}/sessions/groups",
    "octaneGroupSessions",
    "Count sessions by a field",
)
.about("The largest group first. Which sessions are counted is as in the list.")
.parameters(&[GROUP_BY.required(), QUERY, LIMIT, OFFSET])
.answers(&[Answer::json(200, "The groups", "OctaneGroups"), NO_SPACE]);

pub(super) const TERMINATE: Operation = Operation::put(
    "/api/shared_spaces/{space}/sessions/terminate",
    "octaneTerminateSessions",
    "End sessions in the background",
)
.about(
    "In a query that is nothing but ids, as `\"(id='a';id='b')\"`, each is ended. Any other \
     query is a filter, and ends the open sessions that it lets through.",
)
.parameters(&[
    Parameter::query(
        "query",
        "The sessions to end, by their ids or in the filter language (required)",
        r#"{"type":"string","minLength":1,"maxLength":65536,"examples":["\"(user={name='a*'})\""]}"#,
    )
    .required(),
    Parameter::query(
        "dry_run",
        "Whether only to say what would end",
        r#"{"type":"boolean","default":false}"#,
    ),
    Parameter::query(
        "exclude_current",
        "Whether to leave the caller's own session alone",
        r#"{"type":"boolean","default":false}"#,
    ),
    Parameter::query(
        "wait",
        "How long to wait for the end, in milliseconds, 20,000 at most; 0 unless given, and in \
         a dry run 20,000",
        r#"{"type":"integer","minimum":0}"#,
    ),
])
.body("OctaneTermination")
.answers(&[
    Answer::json(200, "The task", "OctaneStartedTask").links(THE_TASK),
    NO_SPACE,
    TOO_LARGE,
    NOT_JSON,
    Answer::error(503, "The store does not answer, or too many tasks wait"),
]);

pub(super) const SESSION: Operation =
    Operation::get(SESSION_PATH, "octaneGetSession", "Show a session")
        .about("Open or ended, for as long as ended ones are kept.")
        .parameters(&[FIELDS, EXPAND])
        .answers(&[
            Answer::json(200, "The session", "OctaneSession"),
            NO_SESSION,
        ]);

pub(super) const UPDATE: Operation =
    Operation::put(SESSION_PATH, "octaneUpdateSession", "End a session")
        .about("One that had ended before is answered as it is, so the call can be repeated.")
        .parameters(&[FIELDS, EXPAND])
        .body("OctaneUpdate")
        .answers(&[
            Answer::json(200, "The session as it is now", "OctaneSession"),
            NO_SESSION,
            TOO_LARGE,
            NOT_JSON,
        ]);

pub(super) const TASKS: Operation = Operation::get(
    "/api/shared_spaces/{space}/background_tasks",
    "octaneListTasks",
    "List background tasks",
)
.about("Newest first, unless `order_by` says otherwise.")
.parameters(&[QUERY, FIELDS, EXPAND, ORDER_BY, LIMIT, OFFSET])
.answers(&[Answer::json(200, "The tasks", "OctaneTaskList"), NO_SPACE]);

pub(super) const TASK: Operation = Operation::get(
    "/api/shared_spaces/{space}/background_tasks/{id}",
    "octaneGetTask",
    "Show a background task",
)
.parameters(&[FIELDS, EXPAND])
.answers(&[
    Answer::json(200, "The task", "OctaneTask"),
    Answer::error(404, "There is no such space or task"),
]);

const SESSIONS_PATH: &str = "/api/shared_spaces/{space}/sessions";
const SESSION_PATH: &str = "/api/shared_spaces/{space}/sessions/{id}";

/// The variable segments of the paths.
const SEGMENTS: &[Parameter] = &[
    Parameter::segment(
        "space",
        "The shared space's id or name",
        r#"{"type":"string","minLength":1,"examples":["1001"]}"#,
    ),
    Parameter::segment(
        "id",
        "The id of the session or the task",
        r#"{"type":"string","minLength":1}"#,
    ),
];

/// The errors that all routes have which need a key.
const ERRORS: &[Answer] = &[
    Answer::error(
        400,
        "The query, the body or the host cannot be understood: see `description`",
    ),
    Answer::error(
        401,
        "Nobody is signed in, the key is wrong, or the session has ended: see `errorCode`",
    ),
    Answer::error(
        403,
        "The caller does not administer the space, or a page of another origin asks",
    ),
    LONG_TARGET,
    WRONG_HOST,
    TOO_MANY,
    LARGE_HEAD,
    NO_STORE,
];

const LONG_TARGET: Answer = Answer::empty(414, "The target is longer than 65,534 bytes");
const LARGE_HEAD: Answer = Answer::empty(431, "The head is too large");
const WRONG_HOST: Answer = Answer::error(421, "The side port does not answer to this host");
const TOO_MANY: Answer = Answer::error(429, "Too many failed attempts; see `Retry-After`");
const NO_STORE: Answer = Answer::error(
    503,
    "The session store does not answer, or too much is under way",
);
const TOO_LARGE: Answer = Answer::error(413, "The body is too large");
const NOT_JSON: Answer = Answer::error(
    415,
    "The body is not declared as JSON, or is compressed with something else than gzip",
);
const NO_SPACE: Answer = Answer::error(404, "There is no such space");
const NO_SESSION: Answer = Answer::error(404, "There is no such space or session");

const FIRST_SESSION: &[Link] = &[
    session_link("octaneGetSession"),
    session_link("octaneUpdateSession"),
];
const THE_TASK: &[Link] = &[Link {
    operation: "octaneGetTask",
    parameters: &[
        ("space", "$request.path.space"),
        ("id", "$response.body#/background_task_id"),
    ],
}];

const fn session_link(operation: &'static str) -> Link {
    Link {
        operation,
        parameters: &[
            ("space", "$request.path.space"),
            ("id", "$response.body#/data/0/id"),
        ],
    }
}

const QUERY: Parameter = Parameter::query(
    "query",
    "Only those that it lets through, in the filter language, with or without quotation marks",
    r#"{"type":"string","maxLength":65536,"examples":["\"end_time=null;user={name='a*'}\""]}"#,
);
const FIELDS: Parameter = Parameter::query(
    "fields",
    "The fields to show, with commas between, and those of a reference in braces",
    r#"{"type":"string","maxLength":8192,"examples":["id,user{name},start_time"]}"#,
);
const EXPAND: Parameter = Parameter::query(
    "expand",
    "The references to show with fields of theirs",
    r#"{"type":"string","maxLength":8192,"examples":["user{name,email}"]}"#,
);
const ORDER_BY: Parameter = Parameter::query(
    "order_by",
    "The order: fields with commas between, `-` before a field for descending",
    r#"{"type":"string","maxLength":8192,"examples":["-start_time,id"]}"#,
);
const GROUP_BY: Parameter = Parameter::query(
    "group_by",
    "The field to count by",
    r#"{"type":"string","maxLength":8192,"examples":["user"]}"#,
);
const LIMIT: Parameter = Parameter::query(
    "limit",
    "At most so many; 1,000 unless given",
    r#"{"type":"integer","minimum":1,"maximum":1000,"default":1000}"#,
);
const OFFSET: Parameter = Parameter::query(
    "offset",
    "How many to leave out at the beginning",
    r#"{"type":"integer","minimum":0,"default":0}"#,
);
