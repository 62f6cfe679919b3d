mod with_broker;
