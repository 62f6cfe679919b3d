use duolog_topics::EventKind;

/// Makes [`Command`] from one table.
macro_rules! commands {
    ($( $command:ident $name:literal [$($kind:ident)*] )*) => {
        /// A callback by its name on the wire.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum Command {
            $( #[doc = $name] $command, )*
        }

        impl Command {
            pub const ALL: &[Self] = &[$( Self::$command, )*];

            pub const fn name(self) -> &'static str {
                match self { $( Self::$command => $name, )* }
            }

            pub fn from_name(name: &str) -> Option<Self> {
                match name { $( $name => Some(Self::$command), )* _ => None }
            }

            /// The kinds of records that may cause it; none: it is asked before there is a record.
            pub const fn kinds(self) -> &'static [EventKind] {
                match self { $( Self::$command => &[$( EventKind::$kind, )*], )* }
            }
        }
    };
}

commands! {
    BeforeSend "C2C.CallbackBeforeSendMsg" []
    AfterSend "C2C.CallbackAfterSendMsg" [MessageSent MessageArrived]
    AfterReport "C2C.CallbackAfterMsgReport" [ConversationRead]
    AfterWithdraw "C2C.CallbackAfterMsgWithDraw" [MessageRecalled]
    StateChange "State.StateChange" [SessionOpened SessionClosed AccountKicked AccountDeleted]
    FriendAdd "Sns.CallbackFriendAdd" [FriendChanged]
    FriendDelete "Sns.CallbackFriendDelete" [FriendChanged]
    BlackListAdd "Sns.CallbackBlackListAdd" [BlacklistChanged]
    BlackListDelete "Sns.CallbackBlackListDelete" [BlacklistChanged]
    PortraitSet "Profile.CallbackPortraitSet" [ProfileChanged]
}

impl Command {
    /// Whether it tells of what has happened.
    pub fn is_after(self) -> bool {
        !self.kinds().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_takes_these_commands() {
        let names: Vec<_> = Command::ALL.iter().map(|command| command.name()).collect();
        assert_eq!(names, crate::config::CALLBACK_COMMANDS);
        assert!(Command::ALL.iter().all(|command| Command::from_name(command.name()) == Some(*command)));
    }
}
