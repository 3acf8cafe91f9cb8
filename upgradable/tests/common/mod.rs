//! What the suites of upgrades share: transformers told by the values they transform, values that
//! are counted, and a test that hangs fails.

#![allow(dead_code, reason = "no suite needs all of it")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicIsize, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use upgradable::{
    Background, Cx, Heap, Profile, Ref, RunningUpgrade, TransformError, Upgradable, Upgrade,
    UpgradeFrom,
};

/// Long enough for a loaded machine, short enough to wait for.
pub(crate) const LIMIT: Duration = Duration::from_secs(100);

/// Runs `body` on a thread of its own, and panics if it panics or does not end.
#[track_caller]
pub(crate) fn watched(body: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel();
    let worker = thread::spawn(move || {
        let outcome = catch_unwind(AssertUnwindSafe(body));
        let _ = done.send(outcome);
    });
    match ended.recv_timeout(LIMIT) {
        Ok(Ok(())) => worker.join().unwrap(),
        Ok(Err(panic)) => resume_unwind(panic),
        Err(_) => panic!("the test hangs"),
    }
}

/// Waits for something that is bound to happen.
#[track_caller]
pub(crate) fn until(what: impl Fn() -> bool) {
    let began = Instant::now();
    while !what() {
        assert!(began.elapsed() < LIMIT, "it does not happen");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs `body` on another thread, to its end.
pub(crate) fn elsewhere<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(body).join().unwrap())
}

/// A panic without a message on the test's output.
pub(crate) fn panic_quietly() -> ! {
    resume_unwind(Box::new("odd"))
}

/// What a transformer does, told by the value that it transforms.
#[derive(Clone)]
pub(crate) struct Script(Arc<Act>);

type Act = dyn Fn(&mut Cx<'_>) -> Result<u32, TransformError> + Send + Sync;

impl Script {
    pub(crate) fn new(
        act: impl Fn(&mut Cx<'_>) -> Result<u32, TransformError> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(act))
    }

    pub(crate) fn run(&self, cx: &mut Cx<'_>) -> Result<u32, TransformError> {
        (self.0)(cx)
    }

    /// Gives this number.
    pub(crate) fn fine(number: u32) -> Self {
        Self::new(move |_| Ok(number))
    }

    /// Always fails.
    pub(crate) fn fails() -> Self {
        Self::new(|_| Err("no such day".into()))
    }

    /// Does one thing after another at each run; the last one for ever.
    pub(crate) fn in_turn(scripts: Vec<Self>) -> Self {
        let run = AtomicU32::new(0);
        Self::new(move |cx| {
            let at = run.fetch_add(1, Ordering::Relaxed) as usize;
            scripts[at.min(scripts.len() - 1)].run(cx)
        })
    }

    /// Says that it has begun, and waits until it is released.
    pub(crate) fn hangs(number: u32) -> (Self, Hanging) {
        let (said, begun) = channel();
        let (release, released) = channel();
        let (said, released) = (Mutex::new(said), Mutex::new(released));
        let script = Self::new(move |_| {
            let _ = said.lock().unwrap().send(());
            // Released, or the test has ended.
            let _ = released.lock().unwrap().recv();
            Ok(number)
        });
        (script, Hanging { begun, release })
    }
}

/// The test's end of a transformer that hangs.
pub(crate) struct Hanging {
    begun: Receiver<()>,
    release: Sender<()>,
}

impl Hanging {
    /// Waits until the transformer has begun once more.
    pub(crate) fn wait(&self) {
        self.begun.recv_timeout(LIMIT).unwrap();
    }

    /// Whether the transformer has begun once more.
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.try_recv().is_ok()
    }

    /// Lets one run of it go on.
    pub(crate) fn release(&self) {
        self.release.send(()).unwrap();
    }

    /// The same, whether or not anybody is left to be released.
    pub(crate) fn try_release(&self) -> bool {
        self.release.send(()).is_ok()
    }
}

pub(crate) mod v1 {
    use super::Script;
    use upgradable::Upgradable;

    /// An object whose transformer does what the object says.
    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Job")]
    pub(crate) struct Job {
        pub(crate) forward: Script,
    }

    /// The same, of transformers that read other objects.
    #[derive(Upgradable, Clone)]
    #[upgrade(name = "test.Study")]
    pub(crate) struct Study {
        pub(crate) forward: Script,
    }

    /// An object whose transformer does nothing special.
    #[derive(Upgradable, Clone, Debug, PartialEq)]
    #[upgrade(name = "test.Note")]
    pub(crate) struct Note {
        pub(crate) text: String,
    }
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Job", version = 2, from = v1::Job, manual)]
pub(crate) struct Job {
    pub(crate) number: u32,
    pub(crate) forward: Script,
}

impl UpgradeFrom<v1::Job> for Job {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &v1::Job, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { number: old.forward.run(cx)?, forward: old.forward.clone() })
    }

    fn put(new: &Self, _: Option<&v1::Job>, _: &mut Cx<'_>) -> Result<v1::Job, TransformError> {
        Ok(v1::Job { forward: new.forward.clone() })
    }
}

#[derive(Upgradable, Clone)]
#[upgrade(name = "test.Study", version = 2, from = v1::Study, manual)]
pub(crate) struct Study {
    pub(crate) number: u32,
    pub(crate) forward: Script,
}

impl UpgradeFrom<v1::Study> for Study {
    const PROFILE: Profile = Profile::both_ways().reading_others();

    fn upgrade_from(old: &v1::Study, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self { number: old.forward.run(cx)?, forward: old.forward.clone() })
    }

    fn put(new: &Self, _: Option<&v1::Study>, _: &mut Cx<'_>) -> Result<v1::Study, TransformError> {
        Ok(v1::Study { forward: new.forward.clone() })
    }
}

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Note", version = 2, from = v1::Note)]
pub(crate) struct Note {
    pub(crate) text: String,
    #[upgrade(default = 2)]
    pub(crate) stars: u8,
}

/// Of an unchanged type.
#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Plain")]
pub(crate) struct Plain(pub(crate) u32);

pub(crate) fn job(forward: Script) -> v1::Job {
    v1::Job { forward }
}

pub(crate) fn note(text: &str) -> v1::Note {
    v1::Note { text: text.to_owned() }
}

/// All the steps, done by touches and by whoever waits only.
pub(crate) fn plan() -> Upgrade {
    Upgrade::to("2")
        .migrate::<v1::Job, Job>()
        .migrate::<v1::Study, Study>()
        .migrate::<v1::Note, Note>()
        .background(Background::Off)
}

/// The steps that read nothing but their own objects.
pub(crate) fn local_plan() -> Upgrade {
    Upgrade::to("2")
        .migrate::<v1::Job, Job>()
        .migrate::<v1::Note, Note>()
        .background(Background::Off)
}

/// Creates an object.
pub(crate) fn create<T: Upgradable>(heap: &Heap, value: T) -> Ref<T> {
    heap.atomically(|tx| Ok(tx.create(value.clone())?)).unwrap()
}

/// A copy of an object as it is now.
#[track_caller]
pub(crate) fn get<T: Upgradable>(heap: &Heap, object: Ref<T>) -> T {
    heap.snapshot(|s| s.read(object).cloned()).unwrap()
}

/// The number that a job's transformer has given.
pub(crate) fn number(heap: &Heap, job: Ref<v1::Job>) -> Result<u32, upgradable::AccessError> {
    heap.snapshot(|s| s.read(job.cast::<Job>()).map(|job| job.number))
}

/// Waits for the end and keeps the upgrade.
#[track_caller]
pub(crate) fn finish(running: &RunningUpgrade) {
    running.wait().unwrap();
    running.promote().unwrap();
}

/// Who is alive: births less drops.
#[derive(Clone, Default)]
pub(crate) struct Census(Arc<AtomicIsize>);

/// A counted value; a clone is one more.
pub(crate) struct Counted(Census);

impl Census {
    pub(crate) fn count(&self) -> Counted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted(self.clone())
    }

    pub(crate) fn alive(&self) -> isize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.count()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}
