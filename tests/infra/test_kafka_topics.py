"""The broker's topics are as cdp/events/topics.py declares them, whoever made them first."""

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
    kept = admin.describe_configs([resource])[resource].result()
    expected = topic_config(servers.settings, topic)
    assert {name: kept[name].value for name in expected} == expected
