use std::collections::BTreeMap;

use duolog_topics::{Account, Event, MessageArrived, MessageSent, Millis, MsgKey, Origin, SenderCopy};

use super::deliver::{Entering, Passing};
use super::step::Step;
use crate::domain::judge::{self, Judged};
use crate::domain::rows::{Delivery, IdempotencyRow, MessageRow, Outcome, RowFlags, RowsError, Window};
use crate::domain::verdict::{Answer, Sent, Verdict};

impl Step<'_, '_> {
    /// A message to one or many receivers: the sender's copies, the receivers here, an outbox row for each other home.
    pub fn message_sent(&mut self, event: &MessageSent) -> Result<Verdict, RowsError> {
        let sender = self.envelope.account.clone();
        match judge::send(&self.mailbox(), &sender, event, self.time())? {
            Judged::Accept => {}
            Judged::Repeat(answer) => return Ok(Verdict::Repeat(answer)),
            Judged::Refuse(refusal) => return Ok(Verdict::Refused(refusal)),
        }
        let message_time = self.message_time(&sender, event)?;
        let message = Passing { from: &sender, content: &event.content, message_time, pointer: self.at };
        let mut deliveries = Vec::new();
        let mut elsewhere: BTreeMap<u32, Vec<Account>> = BTreeMap::new();
        let mut sequence = None;
        for receiver in &event.receivers {
            if !self.is_home_of(receiver) {
                elsewhere.entry(self.home_of(receiver)).or_default().push(receiver.clone());
            } else if !self.mailbox().exists(receiver)? {
                deliveries.push(Delivery::unknown(receiver));
                continue;
            }
            sequence = self.sender_copy(&sender, receiver, &message, event)?.or(sequence);
            if *receiver == sender {
                deliveries.push(self.delivered_to_oneself(&sender)?);
            } else if self.is_home_of(receiver) {
                deliveries.push(self.deliver(receiver, &message)?);
            }
        }
        self.carry_message(&message, elsewhere)?;
        let failed = deliveries.iter().filter(|delivery| delivery.is_unknown()).map(Delivery::failure).collect();
        self.keep_message(&message, event.receivers.len(), deliveries);
        self.occupy_key(&sender, event, message_time, sequence);
        let content = &event.content;
        let key = MsgKey { seq: content.msg_seq, random: content.random, time: message_time / 1000 };
        Ok(Verdict::Applied(Answer::Sent(Sent { key, time: message_time, sequence, failed, changed: None })))
    }

    /// A message from another home, for its receivers here.
    pub fn message_arrived(&mut self, event: &MessageArrived) -> Result<Verdict, RowsError> {
        let message =
            Passing { from: &event.from, content: &event.content, message_time: event.message_time, pointer: self.at };
        let deliveries =
            event.receivers.iter().map(|receiver| self.deliver(receiver, &message)).collect::<Result<Vec<_>, _>>()?;
        self.keep_message(&message, event.receivers.len(), deliveries);
        Ok(Verdict::Applied(Answer::Done))
    }

    /// Later than every message of the sender's conversations with the receivers, so that time orders each of them. Not
    /// before partition time: another owner's clock may be behind the one before. In another second than a message with the
    /// same MsgSeq and MsgRandom, so that a MsgKey names one message: some back ends never change these.
    fn message_time(&self, sender: &Account, event: &MessageSent) -> Result<Millis, RowsError> {
        if let Some(time) = event.imported_time {
            return Ok(time);
        }
        let mailbox = self.mailbox();
        let mut time = self.meta().time.max(mailbox.account(sender)?.map_or(0, |owner| owner.ahead));
        let may_be_taken = event.seq_given && judge::window(event.content.origin) == Window::Server;
        loop {
            let before = time;
            for receiver in &event.receivers {
                let theirs = event.sender_copy == SenderCopy::None && self.is_home_of(receiver);
                let (account, peer) = if theirs { (receiver, sender) } else { (sender, receiver) };
                let Some(row) = mailbox.conversation(account, peer)? else { continue };
                time = time.max(row.newest_time + 1);
                let second = time / 1000;
                let key = MsgKey { seq: event.content.msg_seq, random: event.content.random, time: second };
                if may_be_taken
                    && row.newest_time / 1000 == second
                    && mailbox.find_message(account, peer, key)?.is_some()
                {
                    time = (second + 1) * 1000;
                }
            }
            if !may_be_taken || time == before {
                return Ok(time);
            }
        }
    }

    /// Without a copy no conversation of the sender knows the message time. Where it ran ahead of the clock, the account
    /// does.
    fn keep_time_ahead(&mut self, sender: &Account, message_time: Millis) -> Result<(), RowsError> {
        if message_time > self.meta().time
            && let Some(mut owner) = self.mailbox().account(sender)?.filter(|owner| owner.ahead < message_time)
        {
            owner.ahead = message_time;
            self.put_account(sender, owner);
        }
        Ok(())
    }

    /// The sender's own side of the conversation. To himself, the message is only this.
    fn sender_copy(
        &mut self,
        sender: &Account,
        receiver: &Account,
        message: &Passing<'_>,
        event: &MessageSent,
    ) -> Result<Option<u64>, RowsError> {
        if event.sender_copy == SenderCopy::None && sender != receiver {
            self.keep_time_ahead(sender, message.message_time)?;
            return Ok(None);
        }
        let Some(mut owner) = self.mailbox().account(sender)? else {
            return Ok(None);
        };
        let follows = event.sender_copy == SenderCopy::Full || sender == receiver;
        let entry = follows && event.content.origin != Origin::Import;
        let how = Entering { flags: RowFlags::default(), entry };
        let sequence = self.enter(sender, &mut owner, receiver, message, how, event.session.as_ref())?;
        self.put_account(sender, owner);
        Ok(sequence)
    }

    fn carry_message(
        &mut self,
        message: &Passing<'_>,
        elsewhere: BTreeMap<u32, Vec<Account>>,
    ) -> Result<(), RowsError> {
        for receivers in elsewhere.into_values() {
            let first = receivers[0].clone();
            let arrived = MessageArrived {
                from: message.from.clone(),
                receivers,
                content: message.content.clone(),
                message_time: message.message_time,
            };
            self.carry(&first, &Event::MessageArrived(arrived))?;
        }
        Ok(())
    }

    /// The body and what became of it; of an online-only message the outcome alone.
    fn keep_message(&mut self, message: &Passing<'_>, receivers: usize, deliveries: Vec<Delivery>) {
        if message.online_only() {
            self.keep(Outcome::OnlineOnly { message_time: message.message_time, deliveries });
            return;
        }
        let mut row = MessageRow::new(message.from, message.content, message.message_time, self.time());
        row.receivers = receivers as u32;
        row.deliveries = deliveries;
        self.put(MessageRow::key(self.at), &row);
    }

    /// Only an applied record occupies its key. An import has none: history itself tells its repeats.
    fn occupy_key(&mut self, sender: &Account, event: &MessageSent, message_time: Millis, sequence: Option<u64>) {
        if event.content.origin == Origin::Import {
            return;
        }
        let row = IdempotencyRow {
            record_time: self.time(),
            window: judge::window(event.content.origin),
            pointer: self.at,
            message_time,
            msg_seq: event.content.msg_seq,
            sequence: sequence.unwrap_or(0),
        };
        self.put(IdempotencyRow::key(sender, judge::key_hash(event)), &row);
    }
}
