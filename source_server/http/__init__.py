"""The source server: its endpoints, the pages of messages that it hands out, and its tokens."""
