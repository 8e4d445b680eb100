//! The way from tasks to the driver: one bounded channel of inputs.

use tokio::sync::mpsc;
use windlass_core::input::Input;

/// Inputs that may wait for the driver; a sender that finds it full waits, so nothing is dropped.
const INPUTS_LEN_MAX: usize = 1024;

/// Sends inputs to the driver.
#[derive(Clone)]
pub(crate) struct Inputs(mpsc::Sender<Input>);

/// A channel of inputs.
pub(crate) fn channel() -> (Inputs, mpsc::Receiver<Input>) {
    let (sender, receiver) = mpsc::channel(INPUTS_LEN_MAX);
    (Inputs(sender), receiver)
}

impl Inputs {
    /// Waits for room. After the driver's end inputs go nowhere: nobody decides any more.
    pub(crate) async fn send(&self, input: Input) {
        drop(self.0.send(input).await);
    }
}
