use duolog_topics::{ConsumersAdvanced, FoldVersion, LogOpened, LogRestored, OwnerChanged, PolicyChanged};

use super::step::Step;
use super::{FOLD_VERSION, FoldError};
use crate::domain::rows::ConsumerRow;
use crate::domain::verdict::{Answer, Verdict};

impl Step<'_, '_> {
    /// The first one counts: if two nodes open a new log at once, the other one's record changes nothing.
    pub fn log_opened(&mut self, event: &LogOpened) -> Verdict {
        let meta = self.meta_mut();
        if !meta.log_id.is_nil() {
            return Verdict::Superseded;
        }
        meta.log_id = event.log_id;
        meta.generation = event.generation;
        meta.partitions = event.partitions;
        Verdict::Applied(Answer::Done)
    }

    pub fn log_restored(&mut self, event: &LogRestored) -> Verdict {
        let meta = self.meta_mut();
        meta.restored = meta.restored.max(event.count);
        Verdict::Applied(Answer::Done)
    }

    /// A new epoch begins; that sessions of earlier ones have ended follows from their epoch.
    pub fn owner_changed(&mut self, event: &OwnerChanged) -> Verdict {
        self.meta_mut().epoch = event.epoch;
        Verdict::Applied(Answer::Done)
    }

    pub fn fold_version(&mut self, event: &FoldVersion) -> Result<Verdict, FoldError> {
        if event.n > FOLD_VERSION {
            return Err(FoldError::NewerFold { asked: event.n });
        }
        let meta = self.meta_mut();
        meta.fold_version = meta.fold_version.max(event.n);
        Ok(Verdict::Applied(Answer::Done))
    }

    pub fn policy_changed(&mut self, event: &PolicyChanged) -> Verdict {
        let meta = self.meta_mut();
        if event.revision > meta.policy.revision {
            meta.policy = event.clone();
        }
        Verdict::Applied(Answer::Done)
    }

    /// How far consumers have come. It moves nothing else: the log is theirs to read, not to change.
    pub fn consumers_advanced(&mut self, event: &ConsumersAdvanced) -> Verdict {
        for advance in &event.consumers {
            let row = ConsumerRow { position: advance.position, waiting: advance.waiting.clone() };
            self.put(ConsumerRow::key(&advance.consumer), &row);
        }
        Verdict::Applied(Answer::Done)
    }
}
