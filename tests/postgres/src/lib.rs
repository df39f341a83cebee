//! PostgreSQL for tests: one server a test binary, one database a test.
//!
//! The server is made from the installed programs and ends with the test binary ([`Cluster`]). Where
//! `UCANPAY_TEST_POSTGRES_URL` names a server, that one is used: its role must be allowed to create databases, which stay
//! behind there under names that begin with `ucanpay_test_`.
//! Where there is neither, the tests of [`tests!`] are listed as ignored, with the reason; in CI they fail.

mod cluster;

use std::future::Future;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

pub use cluster::Cluster;
#[doc(hidden)]
pub use tokio;

/// Whether tests are to run on PostgreSQL: one is at hand, or a missing one is a failure.
pub const WANTED: bool = cfg!(postgres);

/// Makes each named `async fn` of the module a test that needs a database.
///
/// ```
/// mod shop {
///     private_postgres::tests! {
///         two_and_two_is_four_there_too;
///     }
///
///     async fn two_and_two_is_four_there_too() {}
/// }
/// ```
#[cfg(postgres)]
#[macro_export]
macro_rules! tests {
    ($($name:ident;)+) => { $crate::listed! { on_postgres [cfg(test)] $($name;)+ } };
}

/// Lists each named `async fn` of the module as an ignored test: there is no PostgreSQL here.
#[cfg(not(postgres))]
#[macro_export]
macro_rules! tests {
    ($($name:ident;)+) => {
        $crate::listed! {
            on_postgres
            [ignore = "PostgreSQL is not installed, and UCANPAY_TEST_POSTGRES_URL names no server"]
            $($name;)+
        }
    };
}

/// Makes each named `async fn` of the module a test that needs a [`Cluster`], which it may stop.
#[cfg(cluster)]
#[macro_export]
macro_rules! cluster_tests {
    ($($name:ident;)+) => { $crate::listed! { on_a_cluster [cfg(test)] $($name;)+ } };
}

/// Lists each named `async fn` of the module as an ignored test: no server can be started here.
#[cfg(not(cluster))]
#[macro_export]
macro_rules! cluster_tests {
    ($($name:ident;)+) => {
        $crate::listed! {
            on_a_cluster
            [ignore = "PostgreSQL's initdb and pg_ctl are not installed"]
            $($name;)+
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! listed {
    ($module:ident $attribute:tt $($name:ident;)+) => {
        mod $module {
            $(
                #[test]
                #$attribute
                fn $name() {
                    $crate::run(super::$name());
                }
            )+
        }
    };
}

/// Runs one test on two threads, so that what it does at once is at once.
#[doc(hidden)]
pub fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test);
}

/// A fresh, empty database; its URL.
///
/// # Panics
/// If there is no server, or it makes no database; says why.
pub async fn database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = server();
    let id = std::process::id();
    let name = format!("ucanpay_test_{id}_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(server)
        .await
        .expect("the PostgreSQL server for tests can be reached");
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut connection)
        .await
        .expect("the server for tests makes a database");
    // The server notices either way.
    let _ = connection.close().await;
    database_of(server, &name)
}

/// The server of this test binary; the first who asks starts it.
fn server() -> &'static str {
    static SERVER: OnceLock<(String, Option<Cluster>)> = OnceLock::new();
    let (url, _) = SERVER.get_or_init(|| match std::env::var("UCANPAY_TEST_POSTGRES_URL") {
        Ok(url) if !url.is_empty() => (url, None),
        _ => {
            let cluster = Cluster::start();
            (cluster.url(), Some(cluster))
        }
    });
    url
}

/// The URL of another database on the same server.
pub fn database_of(server: &str, name: &str) -> String {
    let (scheme, rest) = server.split_once("://").expect("a URL");
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let host = rest.split('/').next().unwrap_or(rest);
    format!("{scheme}://{host}/{name}?{query}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use super::*;

    crate::tests! {
        each_test_has_a_database_of_its_own;
    }

    crate::cluster_tests! {
        a_server_is_gone_when_it_is_dropped;
        a_server_is_gone_when_its_test_was_killed;
        a_server_that_crashed_starts_again;
    }

    #[test]
    fn a_url_is_pointed_at_another_database() {
        for (server, expected) in [
            ("postgres://u:p@h:1/a?x=/y", "postgres://u:p@h:1/b?x=/y"),
            ("postgres://u@h", "postgres://u@h/b?"),
        ] {
            assert_eq!(database_of(server, "b"), expected);
        }
    }

    fn folder(url: &str) -> &str {
        url.split_once("host=").unwrap().1
    }

    async fn a_server_is_gone_when_it_is_dropped() {
        let cluster = Cluster::start();
        let url = cluster.url();
        PgConnection::connect(&url).await.unwrap();
        assert!(Path::new(folder(&url)).is_dir());
        drop(cluster);
        assert!(!Path::new(folder(&url)).exists());
        assert!(PgConnection::connect(&url).await.is_err());
    }

    /// Set for the process that is to be killed: where it says which server it has.
    const TELL: &str = "PRIVATE_POSTGRES_TELL";

    async fn a_server_is_gone_when_its_test_was_killed() {
        if let Ok(told) = std::env::var(TELL) {
            let cluster = Cluster::start();
            std::fs::write(told, cluster.url()).unwrap();
            std::thread::sleep(Duration::from_secs(60));
            return;
        }
        let told = std::env::temp_dir().join(format!("private-postgres-{}", std::process::id()));
        let this = "tests::on_a_cluster::a_server_is_gone_when_its_test_was_killed";
        let mut test = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", this])
            .env(TELL, &told)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let url = loop {
            match std::fs::read_to_string(&told) {
                Ok(url) if !url.is_empty() => break url,
                _ => assert!(test.try_wait().unwrap().is_none(), "it ended by itself"),
            }
            std::thread::sleep(Duration::from_millis(20));
        };
        std::fs::remove_file(&told).unwrap();
        PgConnection::connect(&url).await.unwrap();
        test.kill().unwrap();
        test.wait().unwrap();
        for _ in 0..100 {
            if !Path::new(folder(&url)).exists() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{url} is still there");
    }

    async fn a_server_that_crashed_starts_again() {
        let cluster = Cluster::durable();
        cluster.crash();
        assert!(PgConnection::connect(&cluster.url()).await.is_err());
        cluster.restart();
        PgConnection::connect(&cluster.url()).await.unwrap();
    }

    async fn each_test_has_a_database_of_its_own() {
        let (one, two) = (database().await, database().await);
        assert_ne!(one, two);
        for url in [one, two] {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let create = sqlx::query("CREATE TABLE mine ()");
            create.execute(&mut connection).await.unwrap();
        }
    }
}
