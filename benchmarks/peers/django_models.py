"""Django's models. It has no foreign keys of two columns, so a chat's messages are a query."""

from typing import Any

from django.db import models, transaction
from django.db.models.functions import Now


class User(models.Model):
    id = models.CharField(max_length=255, primary_key=True)
    name = models.CharField(max_length=255, null=True)
    email = models.CharField(max_length=255)
    email_verified = models.DateTimeField(null=True)
    image = models.TextField(null=True)
    is_admin = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "bench"
        db_table = "b_user"


class Account(models.Model):
    pk = models.CompositePrimaryKey("provider", "provider_account_id")
    user = models.ForeignKey(User, models.CASCADE, related_name="accounts")
    type = models.CharField(max_length=255)
    provider = models.CharField(max_length=255)
    provider_account_id = models.CharField(max_length=255)
    refresh_token = models.TextField(null=True)
    access_token = models.TextField(null=True)
    expires_at = models.BigIntegerField(null=True)
    token_type = models.CharField(max_length=255, null=True)
    scope = models.CharField(max_length=255, null=True)
    id_token = models.TextField(null=True)
    session_state = models.CharField(max_length=255, null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "bench"
        db_table = "b_account"
        ordering = ("provider", "provider_account_id")


class Chat(models.Model):
    id = models.CharField(max_length=255, primary_key=True)
    user = models.ForeignKey(User, models.DO_NOTHING, related_name="chats")
    title = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        app_label = "bench"
        db_table = "b_chat"


class Message(models.Model):
    id = models.CharField(max_length=255, primary_key=True)
    chat_id = models.CharField(max_length=255)
    role = models.CharField(max_length=50)
    content = models.TextField()
    sources = models.JSONField(null=True)
    metadata = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
    user_id = models.CharField(max_length=255)
    seq = models.BigIntegerField(db_default=0)  # inserted as DEFAULT: PostgreSQL counts it

    class Meta:
        app_label = "bench"
        db_table = "b_message"


class UserSettings(models.Model):
    user_id = models.CharField(max_length=255, primary_key=True)
    theme = models.CharField(max_length=20, null=True, default="dark")
    language = models.CharField(max_length=10, null=True, default="en")
    default_model = models.CharField(max_length=50, null=True)
    enable_search_by_default = models.BooleanField(default=True)
    max_search_results = models.IntegerField(null=True, default=10)
    updated_at = models.DateTimeField(auto_now=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "bench"
        db_table = "b_user_settings"


def append(user_id: str, chat_id: str, messages: list[Any]) -> None:
    """Store messages and move their chat, together."""
    with transaction.atomic():
        Chat.objects.filter(user_id=user_id, id=chat_id).update(updated_at=Now())
        Message.objects.bulk_create(messages)


def create(chat: Chat, first: Message) -> None:
    """Store a chat and its first message, together."""
    with transaction.atomic():
        chat.save(force_insert=True)
        first.save(force_insert=True)
