//! A way to a server that takes time, as a network does: what comes in goes out a while later, in
//! both directions, however much of it is under way.
//!
//! `delay ADDRESS SERVER MICROSECONDS`: listens at ADDRESS, and each way takes that long.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

fn main() -> std::io::Result<()> {
    let usage = "usage: delay ADDRESS SERVER MICROSECONDS";
    let arguments: Vec<_> = std::env::args().collect();
    let [_, address, server, delay] = arguments.as_slice() else {
        panic!("{usage}");
    };
    let delay = Duration::from_micros(delay.parse().expect(usage));
    for client in TcpListener::bind(address)?.incoming() {
        let (client, server) = (client?, TcpStream::connect(server)?);
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        carry(client.try_clone()?, server.try_clone()?, delay);
        carry(server, client, delay);
    }
    Ok(())
}

/// Carries what comes from `from` to `to`, until there is no more.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let due = Instant::now() + delay;
            if sender.send((due, buffer[..length].to_vec())).is_err() {
                break;
            }
        }
    });
    thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
