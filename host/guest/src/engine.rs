//! The one engine of a process: compiler settings, the pool of instances and the clock that interrupts guests.

use crate::{
    compile::{Compiler, Compiling},
    instance::State,
    limits::{Bound, Maxima},
    module::ModuleBounds,
};
use std::{
    io,
    sync::{Arc, OnceLock},
    thread,
    time::Duration,
};
use tokio::sync::Semaphore;
use wasmtime::{
    Config, Enabled, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig, Strategy,
    WasmBacktraceDetails, component::Linker,
};

/// How long a guest runs before it yields to its neighbours and its account is looked at. Shorter ticks cost more
/// wake-ups of an idle host; longer ones delay the neighbours on the same thread.
pub const TICK: Duration = Duration::from_millis(10);

/// Modules that are looked at, verified and mapped at a time. Each is work of milliseconds and holds its bytes.
const LOADING_MAX: usize = 4;

/// Modules that are mapped again at a time, apart from those: somebody waits for each.
const WAKING_MAX: usize = 4;

/// What the operator decides about the engine.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    /// How many invocations may run or wait at a time, in all. Not the number of modules: an idle module has no slot.
    pub concurrent_invocations_max: u32,
    /// No module's memory may be above this. Reserved as addresses, not as memory.
    pub memory_bytes_ceiling: usize,
    /// Core instances that no component may have more of.
    pub instances_ceiling: u32,
    /// Linear memories that no component may have more of.
    pub memories_ceiling: u32,
    /// Tables that no component may have more of.
    pub tables_ceiling: u32,
    /// Elements that no component's tables together may have more of; virtual memory only until touched.
    pub table_elements_ceiling: usize,
    /// What a module may hold.
    pub module: ModuleBounds,
    /// Where modules are compiled.
    pub compiling: Compiling,
}

impl Default for EngineSettings {
    fn default() -> Self {
        Self::within(256, &Maxima::default())
    }
}

impl EngineSettings {
    /// An engine that has room for what an operator allows modules at most.
    #[must_use]
    pub fn within(concurrent_invocations_max: u32, maxima: &Maxima) -> Self {
        let number = |bound| u32::try_from(maxima.get(bound)).unwrap_or(u32::MAX);
        let size = |bound| usize::try_from(maxima.get(bound)).unwrap_or(usize::MAX);
        Self {
            concurrent_invocations_max,
            memory_bytes_ceiling: size(Bound::Memory),
            instances_ceiling: number(Bound::Instances),
            memories_ceiling: number(Bound::Memories),
            tables_ceiling: number(Bound::Tables),
            table_elements_ceiling: size(Bound::TableElements),
            module: ModuleBounds::default(),
            compiling: Compiling::Here,
        }
    }
}

/// Runs modules. Cheap to clone; one per process, because the pool reserves addresses. It has no compiler.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    slots: Arc<Semaphore>,
    loading: Arc<Semaphore>,
    waking: Arc<Semaphore>,
    /// What the host gives, once for all modules.
    linker: Arc<OnceLock<Linker<State>>>,
    compiler: Arc<Compiler>,
    settings: Arc<EngineSettings>,
    pooled: bool,
}

/// The engine could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// This processor or kernel lacks something.
    #[error("the Wasm engine does not start on this machine")]
    Engine(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The thread that interrupts guests could not be started.
    #[error("the thread that interrupts guests does not start")]
    Ticker(#[source] io::Error),
}

impl Engine {
    /// Makes the engine and starts its ticker thread, which ends with the last clone of the engine.
    ///
    /// Where the addresses for the pool cannot be reserved (a limit on virtual memory, a small address space),
    /// instances are allocated one by one; each then costs some 40 µs more.
    ///
    /// # Errors
    /// When the machine cannot run compiled Wasm, or no thread starts.
    pub fn new(settings: EngineSettings) -> Result<Self, EngineError> {
        let pooled = wasmtime::Engine::new(serving().allocation_strategy(pool(&settings)));
        let (inner, pooled) = match pooled {
            Ok(engine) => (engine, true),
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "no pool of instances: cannot reserve the addresses; raise the limit on virtual memory (ulimit -v)"
                );
                (wasmtime::Engine::new(&serving()).map_err(|error| EngineError::Engine(error.into()))?, false)
            }
        };
        tick(&inner)?;
        let slots = Arc::new(Semaphore::new(settings.concurrent_invocations_max as usize));
        let loading = Arc::new(Semaphore::new(LOADING_MAX));
        let waking = Arc::new(Semaphore::new(WAKING_MAX));
        let compiler = Arc::new(Compiler::new(settings.compiling.clone()));
        let (linker, settings) = (Arc::default(), Arc::new(settings));
        Ok(Self { inner, slots, loading, waking, linker, compiler, settings, pooled })
    }

    /// What it was made with.
    #[must_use]
    pub fn settings(&self) -> &EngineSettings {
        &self.settings
    }

    /// Whether instances come from a pool.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.pooled
    }

    pub(crate) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }

    /// One per module that is being looked at, verified or mapped.
    pub(crate) fn loading(&self) -> &Arc<Semaphore> {
        &self.loading
    }

    /// One per module that is mapped again.
    pub(crate) fn waking(&self) -> &Arc<Semaphore> {
        &self.waking
    }

    /// Filled when the first module is linked.
    pub(crate) fn linker(&self) -> &OnceLock<Linker<State>> {
        &self.linker
    }

    pub(crate) fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    /// One per invocation that holds a place in the pool.
    pub(crate) fn slots(&self) -> &Semaphore {
        &self.slots
    }
}

/// Moves the engine's epoch on. Holds the engine weakly, so that it ends with it.
fn tick(engine: &wasmtime::Engine) -> Result<(), EngineError> {
    let weak = engine.weak();
    let run = move || {
        while let Some(engine) = weak.upgrade() {
            engine.increment_epoch();
            drop(engine);
            thread::sleep(TICK);
        }
    };
    thread::Builder::new().name("wasm-ticks".into()).spawn(run).map_err(EngineError::Ticker)?;
    Ok(())
}

/// An engine that only compiles, for the engine that serves. Where instructions came from is of use for modules only that
/// say which lines they were; it is a tenth of what is mapped.
pub(crate) fn with_compiler(lines: bool) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = agreed();
    config
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        // Costs nothing measurable and makes a recorded run repeat bit for bit.
        .cranelift_nan_canonicalization(true)
        .generate_address_map(lines);
    wasmtime::Engine::new(&config)
}

/// What the compiler is set to beyond [`agreed`]: part of the name of what it makes.
pub(crate) const COMPILER_SETTINGS: &str = "cranelift speed nan-canonicalization lines-if-any";

/// The host compiles by a child process: that the engine cannot makes it certain.
fn serving() -> Config {
    let mut config = agreed();
    config.enable_compiler(false);
    config
}

/// What the engine that compiles and the one that serves must have in common.
fn agreed() -> Config {
    let mut config = Config::new();
    config
        // Interrupts loops; fuel would cost 8 % more and is for replaying only.
        .epoch_interruption(true)
        // Our functions are synchronous in WIT: without this a call into a guest costs 0.2 µs, with it 2.3 µs.
        .concurrency_support(false)
        // With it, 5,000 loaded modules make each dropped store walk 5,000 unwind tables (7 ms instead of 0.3).
        .native_unwind_info(cfg!(windows))
        // Features of which no guest language needs any, and from which most of this year's advisories came.
        // Tail calls stay on: QuickJS is built with them.
        .gc_support(false)
        .wasm_gc(false)
        .wasm_exceptions(false)
        .wasm_function_references(false)
        .wasm_threads(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(true)
        .memory_init_cow(true)
        // A guest's own calls may nest so deep; JSON 120 levels deep needs a tenth of it.
        .max_wasm_stack(512 << 10)
        // The fiber: the guest's share and as much again for host functions. Virtual until touched.
        .async_stack_size(1 << 20)
        // File and line in a trap where the module carries them; read only when something traps.
        .wasm_backtrace_details(WasmBacktraceDetails::Enable);
    config
}

fn pool(settings: &EngineSettings) -> InstanceAllocationStrategy {
    let slots = settings.concurrent_invocations_max;
    // Each table gets an equal part of what all may have; Python needs over 10,000 in one.
    let elements_of_table = settings.table_elements_ceiling.div_ceil(settings.tables_ceiling.max(1) as usize);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(slots.saturating_mul(settings.instances_ceiling))
        .max_core_instances_per_component(settings.instances_ceiling)
        .total_memories(slots.saturating_mul(settings.memories_ceiling))
        .max_memories_per_component(settings.memories_ceiling)
        .total_tables(slots.saturating_mul(settings.tables_ceiling))
        .max_tables_per_component(settings.tables_ceiling)
        .max_memories_per_module(settings.memories_ceiling)
        .max_tables_per_module(settings.tables_ceiling)
        .table_elements(elements_of_table)
        .total_stacks(slots)
        // Bookkeeping of Python's many core modules; heap, not reserved.
        .max_component_instance_size(4 << 20)
        .max_core_instance_size(1 << 20)
        .max_memory_size(settings.memory_bytes_ceiling)
        // Covers the initial memory of a lean guest (128 KiB), so that a reset is a memset and not a system call;
        // two threads then give 1.9 × of one instead of 1.07 ×.
        .linear_memory_keep_resident(512 << 10)
        .table_keep_resident(16 << 10)
        .decommit_batch_size(32)
        // So many modules keep their image mapped in a slot of their own while they do not run.
        .max_unused_warm_slots((slots / 4).max(1));
    if no_swap() {
        // Resets only the pages that were touched. In this version a page that was swapped out is missed, and the
        // next tenant reads it: only where nothing can be swapped out.
        pool.pagemap_scan(Enabled::Auto);
        // There is then seldom a page to give back, and a slot that waits for others to do so together holds the code
        // of a module that may sleep by now.
        pool.decommit_batch_size(1);
    }
    InstanceAllocationStrategy::Pooling(pool)
}

/// Whether the kernel has no swap: the first line of the list is its head.
fn no_swap() -> bool {
    std::fs::read_to_string("/proc/swaps").is_ok_and(|list| list.lines().count() <= 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn a_pool_that_does_not_fit_the_address_space_gives_way_to_single_allocation() {
        let huge = EngineSettings { concurrent_invocations_max: 1 << 20, ..EngineSettings::default() };
        let engine = Engine::new(huge).unwrap();
        assert!(!engine.is_pooled());
    }

    #[test]
    fn the_engine_that_serves_cannot_compile() {
        let engine =
            Engine::new(EngineSettings { concurrent_invocations_max: 1, ..Default::default() }).unwrap();
        let component = b"\0asm\x0d\0\x01\0";
        assert!(with_compiler(false).unwrap().precompile_component(component).is_ok());
        assert!(engine.inner.precompile_component(component).is_err());
    }

    #[test]
    fn the_ticker_ends_with_the_engine() {
        let engine =
            Engine::new(EngineSettings { concurrent_invocations_max: 2, ..Default::default() }).unwrap();
        assert!(engine.is_pooled());
        let weak = engine.inner.weak();
        drop(engine);
        // The ticker holds the engine for an instant in each tick only.
        let gone = (0..1_000).any(|_| {
            thread::yield_now();
            weak.upgrade().is_none() || {
                thread::sleep(Duration::from_micros(100));
                false
            }
        });
        assert!(gone);
    }
}
