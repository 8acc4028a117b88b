"""The broker's topics are as cdp/events/topics.py declares them, whichever program created them."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from cdp.events.topics import TOPICS, Topic, topic_config, topic_partitions
from cdp.kafka import client_config
from infra.stack.stack import Stack


@pytest.mark.stack("kafka")
@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_topic_is_as_declared(topic: Topic, servers: Stack) -> None:
    admin = AdminClient(client_config(servers.settings))
    assert len(admin.list_topics(timeout=10).topics[topic.name].partitions) == topic_partitions(servers.settings, topic)
    resource = ConfigResource(ResourceType.TOPIC, topic.name)
    config = admin.describe_configs([resource])[resource].result()
    expected = topic_config(servers.settings, topic)
    assert {name: config[name].value for name in expected} == expected
