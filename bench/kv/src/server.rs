//! Servers in processes of their own.

use std::env;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Units of the system's clocks in a second.
const TICKS: f64 = 100.0;

/// A server, and the process that it is; it ends with this.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// The program `kv` beside this one, with so many threads that serve connections (0: one for
    /// each processor).
    pub(crate) fn kv(threads: usize, options: &[&str]) -> io::Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(kv_program()?);
        let numbers = ["--port", &port.to_string(), "--threads", &threads.to_string()];
        command.arg("serve").args(numbers).args(options);
        Self::start(command, port)
    }

    /// Redis, without files.
    pub(crate) fn redis() -> io::Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
        Self::start(command, port)
    }

    fn start(mut command: Command, port: u16) -> io::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let failed = |why: String| io::Error::other(format!("{name}: {why}"));
        let child = command.stdout(Stdio::null()).spawn();
        let child = child.map_err(|error| failed(error.to_string()))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let server = Self { child, address };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            if Instant::now() > deadline {
                return Err(failed("does not listen".to_owned()));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(server)
    }

    pub(crate) fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// Processor time, in seconds, that the process has had; 0 where the system does not tell.
    pub(crate) fn processor_time(&self) -> f64 {
        processor_time(&self.child.id().to_string(), OWN)
    }

    /// Bytes of memory that the process has, where the system tells it.
    pub(crate) fn resident(&self) -> u64 {
        resident(self.child.id())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the system tells the processor time of a process, and that of its children that have ended.
const OWN: usize = 11;
const CHILDREN: usize = 13;

/// Processor time, in seconds, that clients have had that have ended; 0 where the system does not
/// tell.
pub(crate) fn processor_time_of_clients() -> f64 {
    processor_time("self", CHILDREN)
}

fn processor_time(process: &str, place: usize) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name of the program, in parentheses, may have anything in it.
    let numbers = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks = numbers.skip(place).take(2).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

fn resident(process: u32) -> u64 {
    const PAGE: u64 = 4096;
    let status = fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages = status.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * PAGE
}

/// Processor time, in seconds, that whoever runs this virtual machine has given to others; 0 where
/// the system does not tell.
pub(crate) fn stolen() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let ticks = stat.lines().next().and_then(|line| line.split_whitespace().nth(8)?.parse().ok());
    ticks.unwrap_or(0.0) / TICKS
}

fn kv_program() -> io::Result<PathBuf> {
    let program = env::current_exe()?.with_file_name("kv");
    if program.exists() {
        return Ok(program);
    }
    let text = format!("{} is not there: build upgradable-kv first", program.display());
    Err(io::Error::other(text))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Whether a program of Redis can be started.
pub(crate) fn has(program: &str) -> bool {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}
