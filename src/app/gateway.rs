//! A gateway that runs.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::authn::Users;
use super::edge::{edge_settings, needs_restart};
use super::error::{BuildError, StartError};
use super::kept_tasks::KeptTasks;
use super::options::GatewayOptions;
use super::plan::{Plan, Planner};
use super::presence::Presence;
use super::store;
use super::store_thread::StoreThread;
use super::tls::Tls;
use crate::admin::keys::{ApiKeys, CertificateRoles};
use crate::admin::{self, AdminServer, AdminSpaces, SessionObserver, ThisNode};
use crate::domain::{Clock, Spaces, SystemClock};
use crate::net::{Drained, bind};
use crate::proxy::headers::{AssertionKey, PublishedKeys};
use crate::proxy::{Edge, EdgeServer, EdgeSockets};
use crate::sessions::{Feed, Sessions};
use crate::store::SessionStore;
use crate::tasks::Tasks;
use crate::telemetry::{Health, Metrics};

/// A gateway that runs: edge, side port and sweeper. Dropped, its threads go on; end it with
/// [`shut_down`](Self::shut_down).
pub struct Gateway {
    sessions: Sessions,
    store: Arc<dyn SessionStore>,
    store_thread: Arc<StoreThread>,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    health: Health,
    keys: ApiKeys,
    certificates: CertificateRoles,
    spaces: AdminSpaces,
    assertion_keys: PublishedKeys,
    presence: Arc<Presence>,
    edge: EdgeServer,
    /// Whose certificates a reload exchanges.
    tls: Tls,
    admin_address: SocketAddr,
    stop: CancellationToken,
    /// What administrators have set going in the background.
    jobs: Tasks,
    tasks: Vec<JoinHandle<()>>,
    /// What is exchanged one reload at a time.
    reloading: Mutex<Reloading>,
}

struct Reloading {
    users: Users,
    options: GatewayOptions,
}

/// Errors that a background task's report names: as many as a query can name ids.
const MAX_TASK_ERRORS: usize = 4096;

/// How often sessions whose time is up are looked for.
const SWEEP: Duration = Duration::from_secs(10);

impl Gateway {
    /// Builds everything that `options` name, then binds their addresses, then starts.
    ///
    /// # Errors
    ///
    /// [`StartError`]; then nothing was started.
    pub async fn start(options: GatewayOptions) -> Result<Self, StartError> {
        // What is wrong with the options is known before a store is made or opened.
        Self::check(&options)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let spaces = Spaces::new();
        let mut presence = Presence::new(&options, &clock);
        let keys = assertion_keys()?;
        let (store, thread) = store::open(&options.store, presence.name(), &spaces, &clock).await?;
        if let Err(error) = presence.enter(&*store, &keys, signs(&options)).await {
            let _ = store.close().await;
            thread.end();
            return Err(error);
        }
        let (presence, thread) = (Arc::new(presence), Arc::new(thread));
        let nodes = (Arc::clone(&presence), keys);
        match Self::start_on((&store, &thread), nodes, spaces, clock, options).await {
            Ok(gateway) => Ok(gateway),
            Err(error) => {
                presence.leave(&*store).await;
                let _ = store.close().await;
                thread.end();
                Err(error)
            }
        }
    }

    async fn start_on(
        (store, store_thread): (&Arc<dyn SessionStore>, &Arc<StoreThread>),
        (presence, assertion_keys): (Arc<Presence>, PublishedKeys),
        spaces: Spaces,
        clock: Arc<dyn Clock>,
        options: GatewayOptions,
    ) -> Result<Self, StartError> {
        let metrics = Arc::new(Metrics::new());
        let health = Health::new();
        let feed = Feed::new(&*clock);
        let sessions = Sessions::builder()
            .clock(Arc::clone(&clock))
            .retention(store::retention(&options.store))
            .spaces(spaces)
            .store(Arc::clone(store))
            .observer(Arc::new(SessionObserver::new(Arc::clone(&metrics))))
            .observer(Arc::new(feed.clone()))
            .observer(presence.clone())
            .build();
        let licenses = sessions.licenses().clone();
        metrics.read_licenses(move || licenses.all());
        let tls = Tls::new(&options, &clock)?;
        let edge_tls = tls.edge().cloned();
        let settings = edge_settings(&options.edge, edge_tls, options.log.access, &metrics);
        let mut users = Users::default();
        let planner = Planner {
            sessions: &sessions,
            clock: &clock,
            metrics: &metrics,
            assertion_keys: &assertion_keys,
            users: &users,
            workers: settings.workers.get(),
        };
        let plan = planner.plan(&options)?;
        plan.set_policies(&sessions);
        let Plan {
            targets,
            trusted,
            infos,
            keys,
            users: new_users,
            ..
        } = plan;
        users.commit(new_users);
        let (keys, spaces) = (
            ApiKeys::with_clock(keys, Arc::clone(&clock)),
            AdminSpaces::new(infos),
        );
        let recovery = store::recover(&sessions).await?;
        let secret = match store.shared() {
            Some(shared) => Some(shared.secret().await.map_err(StartError::Recover)?),
            None => None,
        };
        let certificates = CertificateRoles::new(options.admin.certificate_roles.clone());

        let sockets = EdgeSockets::bind(
            &options.edge.listen,
            &options.edge.redirect,
            options.edge.redirect_port,
            settings.workers,
        )?;
        let admin_socket = bind(options.admin.listen, NonZeroUsize::MIN)?.pop();
        let admin_socket = admin_socket
            .ok_or_else(|| StartError::SidePort(std::io::ErrorKind::AddrNotAvailable.into()))?;
        let admin_socket =
            tokio::net::TcpListener::from_std(admin_socket).map_err(StartError::SidePort)?;
        let admin_address = admin_socket.local_addr().map_err(StartError::SidePort)?;

        let stop = CancellationToken::new();
        let keeper = KeptTasks::new(Arc::clone(store));
        let keep_tasks = Arc::clone(&keeper).tell(stop.clone());
        let jobs = Tasks::builder(Arc::clone(&clock))
            .max_errors(MAX_TASK_ERRORS)
            .restored(recovery.tasks)
            .keeper(keeper)
            .start();
        let mut side_port = admin::builder(sessions.clone(), keys.clone())
            .spaces(spaces.clone())
            .certificate_roles(certificates.clone())
            .session_module(options.admin.session_module.clone())
            .metrics(Arc::clone(&metrics))
            .health(health.clone())
            .feed(feed)
            .tasks(jobs.clone())
            .this_node(this_node(&presence, &sessions, &health))
            .docs_public(options.admin.docs_public)
            .listen(admin_address);
        if let Some(secret) = &secret {
            side_port = side_port.secret(secret);
        }
        for host in &options.admin.hosts {
            side_port = side_port.host(host.clone());
        }
        let edge = Edge::new(settings, targets, trusted, Arc::clone(&clock));
        let edge = EdgeServer::start(edge, sockets)?;
        presence.listens_on(edge.addresses());
        let flusher = sessions
            .clone()
            .run_flusher(options.store.flush_interval, stop.clone().cancelled_owned());
        let changes = sessions.clone().run_changes(stop.clone());
        let watch = store::watch(
            Arc::clone(store),
            Arc::clone(&clock),
            health.clone(),
            Arc::clone(&metrics),
            stop.clone(),
        );
        let beats = Arc::clone(&presence).run(
            Arc::clone(store),
            (sessions.clone(), health.clone()),
            assertion_keys.clone(),
            Arc::clone(&metrics),
            stop.clone(),
        );
        let mut admin_server = AdminServer::new(admin_socket, side_port.build());
        if let Some(acceptor) = tls.admin() {
            admin_server = admin_server.tls(acceptor.clone());
        }
        let tasks = vec![
            store_thread.spawn(changes),
            tokio::spawn(watch),
            tokio::spawn(beats),
            tokio::spawn(flusher),
            tokio::spawn(keep_tasks),
            tokio::spawn(admin_server.run(stop.clone())),
            tokio::spawn({
                let (stop, sweeper) = (stop.clone(), sessions.clone().run_sweeper(SWEEP));
                async move {
                    let _ = stop.run_until_cancelled(sweeper).await;
                }
            }),
        ];
        metrics.config_taken(clock.wall());
        Ok(Self {
            sessions,
            store: Arc::clone(store),
            store_thread: Arc::clone(store_thread),
            clock,
            metrics,
            health,
            keys,
            certificates,
            spaces,
            assertion_keys,
            presence,
            edge,
            tls,
            admin_address,
            stop,
            jobs,
            tasks,
            reloading: Mutex::new(Reloading { users, options }),
        })
    }

    /// Builds everything that `options` name, starts nothing, and forgets it.
    ///
    /// # Errors
    ///
    /// [`BuildError`] with what cannot be built.
    pub fn check(options: &GatewayOptions) -> Result<(), BuildError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let planner = Planner {
            sessions: &Sessions::builder().clock(Arc::clone(&clock)).build(),
            clock: &clock,
            metrics: &Metrics::new(),
            assertion_keys: &assertion_keys()?,
            users: &Users::default(),
            workers: 1,
        };
        Tls::new(options, &clock)?;
        planner.plan(options).map(drop)
    }

    /// Puts new spaces, users, keys, certificates and trusted proxies into force; no connection
    /// and no session is dropped. Says which changed options need a restart and are not in force.
    ///
    /// # Errors
    ///
    /// [`BuildError`]; then everything is as it was.
    pub fn reload(&self, options: GatewayOptions) -> Result<Vec<&'static str>, BuildError> {
        let mut reloading = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let planner = Planner {
            sessions: &self.sessions,
            clock: &self.clock,
            metrics: &self.metrics,
            assertion_keys: &self.assertion_keys,
            users: &reloading.users,
            workers: self.edge.edge().settings().workers.get(),
        };
        let planned = planner
            .plan(&options)
            .and_then(|plan| Ok((plan, self.tls.plan(&options)?)));
        let (plan, new_tls) = match planned {
            Ok(planned) => planned,
            Err(error) => {
                self.metrics.config_refused();
                return Err(error);
            }
        };
        plan.set_policies(&self.sessions);
        let Plan {
            targets,
            trusted,
            infos,
            keys,
            users,
            ..
        } = plan;
        reloading.users.commit(users);
        self.keys.replace(keys);
        self.certificates
            .replace(options.admin.certificate_roles.clone());
        self.tls.put(new_tls);
        self.edge.edge().replace(targets, trusted);
        self.spaces.replace(infos);
        self.metrics.config_taken(self.clock.wall());
        let unchanged = needs_restart(&reloading.options, &options);
        reloading.options = options;
        Ok(unchanged)
    }

    /// Notes that a configuration was refused before it became options.
    pub fn refuse_reload(&self) {
        self.metrics.config_refused();
    }

    /// Its sessions.
    #[must_use]
    pub const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The addresses of the edge, with the ports that were chosen for port 0.
    #[must_use]
    pub fn edge_addresses(&self) -> &[SocketAddr] {
        self.edge.addresses()
    }

    /// The addresses that send everybody to https, in the same way.
    #[must_use]
    pub fn redirect_addresses(&self) -> &[SocketAddr] {
        self.edge.redirects()
    }

    /// Whether the edge speaks TLS.
    #[must_use]
    pub const fn edge_has_tls(&self) -> bool {
        self.tls.edge().is_some()
    }

    /// The address of the side port.
    #[must_use]
    pub const fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// Takes no more connections, lets open exchanges finish within the drain time, cuts the
    /// rest, and ends; the store has everything then. The side port tells that it drains until the edge has ended.
    pub async fn shut_down(self) -> Drained {
        self.health.drain();
        let drained = self.edge.shut_down().await;
        self.jobs.shut_down().await;
        self.stop.cancel();
        for task in self.tasks {
            let _ = task.await;
        }
        self.presence.leave(&*self.store).await;
        if let Err(error) = self.store.close().await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "the store did not close as it should");
        }
        self.store_thread.end();
        drained
    }
}

/// A key for assertions, published alone.
fn assertion_keys() -> Result<PublishedKeys, BuildError> {
    let key = AssertionKey::generate().map_err(BuildError::AssertionKey)?;
    Ok(PublishedKeys::new(Arc::new(key)))
}

/// Whether a space signs assertions with the gateway's own key.
fn signs(options: &GatewayOptions) -> bool {
    let assertions = options.spaces.iter().filter_map(|s| s.assertion.as_ref());
    assertions.into_iter().any(|one| one.key_file.is_none())
}

/// What the side port shows of this process among the nodes.
fn this_node(presence: &Arc<Presence>, sessions: &Sessions, health: &Health) -> ThisNode {
    let presence = Arc::clone(presence);
    let (sessions, health) = (sessions.clone(), health.clone());
    ThisNode::new(move || presence.describe(&sessions, &health))
}
