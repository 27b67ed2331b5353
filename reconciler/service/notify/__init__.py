"""Notification: mails and webhooks, each event once, and no failure of theirs stopping anything."""

from reconciler.service.notify.event import Event
from reconciler.service.notify.send import CHANNELS, channels_of, send

__all__ = ["CHANNELS", "Event", "channels_of", "send"]
