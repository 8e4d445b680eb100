//! What something cost: processor time of this thread, and bytes.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, Instant},
};

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counting the bytes that were asked for. What the allocator adds (headers, rounding, holes)
/// shows in the resident set only.
pub struct Counting;

fn grown(by: usize) {
    let live = LIVE.fetch_add(by, Relaxed) + by;
    if live > PEAK.load(Relaxed) {
        PEAK.store(live, Relaxed);
    }
}

// SAFETY: every call is handed on to the system's allocator as it came; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        // SAFETY: the caller keeps the contract of `GlobalAlloc`, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size >= layout.size() {
            grown(size - layout.size());
        } else {
            LIVE.fetch_sub(layout.size() - size, Relaxed);
        }
        // SAFETY: as above.
        unsafe { System.realloc(at, layout, size) }
    }
}

/// What one stretch of work cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// By the clock.
    pub time: Duration,
    /// Processor time of this thread.
    pub cpu: Duration,
    /// Bytes that are live after it and were not before.
    pub held: usize,
    /// The most bytes that were live meanwhile, above what was live before.
    pub peak: usize,
    /// By how much the resident set grew, in bytes.
    pub resident: usize,
}

/// A stretch of work that has begun.
pub struct Stretch {
    begun: Instant,
    cpu: Duration,
    live: usize,
    resident: usize,
}

impl Stretch {
    /// Begins here.
    #[must_use]
    pub fn begin() -> Self {
        let live = LIVE.load(Relaxed);
        PEAK.store(live, Relaxed);
        Self { resident: resident(), live, begun: Instant::now(), cpu: cpu() }
    }

    /// What it has cost so far.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let (time, cpu) = (self.begun.elapsed(), cpu() - self.cpu);
        Cost {
            time,
            cpu,
            held: LIVE.load(Relaxed).saturating_sub(self.live),
            peak: PEAK.load(Relaxed).saturating_sub(self.live),
            resident: resident().saturating_sub(self.resident),
        }
    }
}

/// Processor time that this thread has used.
#[must_use]
pub fn cpu() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok()).unwrap_or(0) * 1024
}
