use std::time::Instant;
use upgradable_stm::*;
fn bench(name: &str, n: u64, mut f: impl FnMut()) {
    for _ in 0..n / 10 {
        f()
    }
    let mut best = f64::MAX;
    let mut all = vec![];
    for _ in 0..7 {
        let t = Instant::now();
        for _ in 0..n {
            f()
        }
        let e = t.elapsed().as_nanos() as f64 / n as f64;
        best = best.min(e);
        all.push(e);
    }
    all.sort_by(f64::total_cmp);
    println!("{name}: median {:.1} best {best:.1} ns", all[3]);
}
fn main() {
    use std::sync::atomic::Ordering::*;
    bench("swap", 10_000_000, || {
        cal::A.swap(1, SeqCst);
    });
    bench("fetch_add", 10_000_000, || {
        cal::A.fetch_add(1, SeqCst);
    });
    bench("cas", 10_000_000, || {
        let x = cal::A.load(Relaxed);
        let _ = cal::A.compare_exchange(x, x + 1, SeqCst, Relaxed);
    });
    let d = Domain::new();
    let v = d.tvar(1u64);
    bench("read1", 10_000_000, || {
        std::hint::black_box(d.snapshot(|s| *s.read(&v)));
    });
    bench("rmw", 3_000_000, || {
        d.atomically(|tx| {
            let x = *tx.read(&v);
            tx.write(&v, x + 1);
            Ok(())
        });
    });
    bench("modify", 3_000_000, || {
        d.atomically(|tx| {
            tx.modify(&v, |x| *x += 1);
            Ok(())
        });
    });
    let vs: Vec<_> = (0..1000u64).map(|i| d.tvar(i)).collect();
    bench("read1000", 100_000, || {
        std::hint::black_box(d.snapshot(|s| vs.iter().map(|v| *s.read(v)).sum::<u64>()));
    });
    let mut r = 88172645463325252u64;
    for n in [1000usize, 1_000_000] {
        let vs: Vec<_> = (0..n as u64).map(|i| d.tvar(i)).collect();
        bench(&format!("10r2w {n}"), 1_000_000, || {
            let mut ix = [0usize; 12];
            for i in &mut ix {
                r ^= r << 13;
                r ^= r >> 7;
                r ^= r << 17;
                *i = (((r >> 32) * n as u64) >> 32) as usize;
            }
            d.atomically(|tx| {
                let mut s = 0;
                for &i in &ix[..10] {
                    s += *tx.read(&vs[i]);
                }
                for &i in &ix[10..] {
                    tx.write(&vs[i], s);
                }
                Ok(())
            });
        });
    }
}
#[allow(dead_code)]
mod cal {
    use std::sync::atomic::*;
    pub static A: AtomicU64 = AtomicU64::new(0);
}
