use duolog_topics::PolicyChanged;

use super::Config;

impl Config {
    /// The rules of this configuration, as the event that puts them in force.
    pub fn policy_changed(&self) -> PolicyChanged {
        let policy = &self.policy;
        PolicyChanged {
            revision: policy.revision,
            login: policy.login,
            web_instances: self.instances.web,
            other_instances: self.instances.other,
            friend_check: policy.friend_check,
            blacklist_answer: policy.blacklist_answer,
            offline_days: policy.offline_days,
            offline_messages: policy.offline_messages,
            roaming_days: policy.roaming_days,
            recent_contacts: policy.recent_contacts,
            recall_seconds: policy.recall_seconds,
            dedup_seconds: policy.dedup_seconds,
            dedup_client_seconds: policy.dedup_client_seconds,
            devices: self.limits.devices,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_of_the_configuration_are_the_policy_of_a_log_that_has_recorded_none() {
        let config = Config::load(&super::super::Layers::default()).unwrap();
        assert_eq!(config.policy_changed(), PolicyChanged { revision: 1, ..PolicyChanged::default() });
    }
}
