//! Where runs wait for the pipeline's answers to what they want to follow.

use crate::tell::Inputs;
use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};
use tokio::sync::oneshot;
use windlass_core::{
    call::ApiError,
    input::{Input, RunId, Subscribe},
    subscription::{Following, SubscribeError, Subscription, SubscriptionId},
};

type Answer = Result<Following, SubscribeError>;

/// Numbers the questions and hands out the answers. Who no longer waits is forgotten with its answer.
#[derive(Debug, Default)]
pub(crate) struct Desk {
    last: AtomicU64,
    waiting: Mutex<HashMap<SubscriptionId, oneshot::Sender<Answer>>>,
}

/// A run that waits; when it no longer does, nothing is left of it.
struct Place<'a> {
    desk: &'a Desk,
    id: SubscriptionId,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.desk.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

impl Desk {
    /// Asks the pipeline and waits for what it says.
    pub(crate) async fn ask(
        &self,
        inputs: &Inputs,
        run: RunId,
        subscription: Subscription,
    ) -> Result<(SubscriptionId, Following), ApiError> {
        let id = SubscriptionId(self.last.fetch_add(1, Relaxed) + 1);
        let (sender, answer) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
        // A run that is cut off here may never have asked.
        let _place = Place { desk: self, id };
        inputs.send(Input::Subscribe(Subscribe { id, run, subscription })).await;
        match answer.await {
            Ok(Ok(following)) => Ok((id, following)),
            Ok(Err(refused)) => Err(ApiError::host("LimitExceeded", refused.to_string())),
            Err(_) => Err(ApiError::host("Unavailable", "the host is ending")),
        }
    }

    /// The pipeline has answered.
    pub(crate) fn answer(&self, id: SubscriptionId, answer: Answer) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(sender) = waiting {
            // A run that was cut off meanwhile wants no answer.
            drop(sender.send(answer));
        }
    }

    /// Nobody answers any more.
    pub(crate) fn close(&self) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::tell;
    use std::sync::Arc;
    use windlass_core::{
        call::Shape,
        name::{Kind, ObjectName, Resource},
        subscription::Subscribed,
    };

    fn subscription() -> Subscription {
        let kind = Kind::new("v1", "ConfigMap");
        let resource = Resource { kind, plural: "configmaps".into(), namespaced: true };
        let what = Subscribed::One(ObjectName::namespaced("default", "a"));
        Subscription { resource, what, shape: Shape::Whole }
    }

    #[tokio::test]
    async fn a_run_that_is_cut_off_while_it_asks_or_waits_leaves_nothing() {
        let (desk, (inputs, _receiver)) = (Desk::default(), tell::channel());
        // More than the channel holds: the last ones cannot even ask.
        let mut asking: Vec<_> =
            (0..1_100).map(|run| Box::pin(desk.ask(&inputs, RunId(run), subscription()))).collect();
        for ask in &mut asking {
            assert!(futures::poll!(ask.as_mut()).is_pending());
        }
        assert_eq!(desk.waiting.lock().unwrap().len(), 1_100);
        drop(asking);
        assert!(desk.waiting.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn each_run_gets_its_own_answer() {
        let (desk, (inputs, mut receiver)) = (Arc::new(Desk::default()), tell::channel());
        let ask = |run| {
            let (desk, inputs) = (desk.clone(), inputs.clone());
            tokio::spawn(async move { desk.ask(&inputs, RunId(run), subscription()).await })
        };
        let (one, other, last) = (ask(1), ask(2), ask(3));
        for _ in 0..2 {
            let Some(Input::Subscribe(asked)) = receiver.recv().await else { panic!("nothing was asked") };
            let refused = SubscribeError::PerRequest { max: 7 };
            let answer = if asked.run == RunId(1) { Ok(Following::Starting) } else { Err(refused) };
            desk.answer(asked.id, answer);
        }
        let refused = [one.await.unwrap(), other.await.unwrap()];
        assert_eq!(refused[0].as_ref().unwrap().1, Following::Starting);
        assert_eq!(refused[1].as_ref().unwrap_err().reason, "LimitExceeded");
        receiver.recv().await.unwrap();
        desk.close();
        assert_eq!(last.await.unwrap().unwrap_err().reason, "Unavailable");
        assert!(desk.waiting.lock().unwrap().is_empty());
    }
}
