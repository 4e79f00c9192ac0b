use faultscope::engine::{Engine, Sink};
use faultscope::pattern::PatternSet;
struct L<'a>(usize, &'a [u8]);
impl Sink for L<'_> {
    fn line(&mut self, _: usize, e: usize) -> usize {
        self.0 += 1;
        memchr::memchr(b'\n', &self.1[e..]).map_or(self.1.len(), |n| e + n + 1)
    }
}
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    s.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}
fn main() {
    let s = PatternSet::builtin().map_err(|p| p.len()).unwrap();
    let e: &Engine = &s.engine;
    for f in std::env::args().skip(1) {
        let mut d = std::fs::read(&f).unwrap();
        d.truncate(64 << 20);
        let mut b = vec![];
        for _ in 0..9 {
            let t = cpu();
            let mut n = 0;
            for c in d.chunks(256 << 10) {
                let mut l = L(0, c);
                e.scan(c, 0, &mut l);
                n += l.0;
            }
            b.push(cpu() - t);
            if b.len() == 9 {
                b.sort_by(f64::total_cmp);
                let ef = e.effort(&d);
                let k = |x: usize| x as f64 / d.len() as f64 * 1e3;
                println!(
                    "{f} {:.2} GB/s best {:.2} lines {n} cand/KB {:.2} win {:.2} anch {:.3}",
                    d.len() as f64 / b[4] / 1e9,
                    d.len() as f64 / b[0] / 1e9,
                    k(ef.candidates),
                    k(ef.windows),
                    k(ef.anchors)
                );
            }
        }
    }
    let mut b = vec![];
    let d = vec![b'\n'; 64 << 20];
    for _ in 0..5 {
        let t = cpu();
        std::hint::black_box(memchr::memchr_iter(b'x', &d).count());
        b.push(cpu() - t);
    }
    b.sort_by(f64::total_cmp);
    println!("memchr count {:.2}", d.len() as f64 / b[2] / 1e9);
}
