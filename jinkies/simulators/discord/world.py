"""Who and what exists in the simulated Discord: one guild, its roles, channels and people.

The structs are what a test or the demo chooses; the functions render them as Discord's REST API and gateway would
(field names and required fields from Discord's API description, version 10).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

Json = dict[str, Any]
"""A JSON object on Discord's wire: this package is that wire's far end, so it is the edge."""

JOINED_AT = "2026-01-01T00:00:00.000000+00:00"
ALL_PERMISSIONS = "2248473465835073"


class Access(StrEnum):
    """What the bot may do in a channel."""

    FULL = "full"
    READ = "read"  # posting is 50013 Missing Permissions
    NONE = "none"  # everything is 50001 Missing Access


class Role(msgspec.Struct, frozen=True):
    """A role of the guild."""

    id: str
    name: str


class User(msgspec.Struct, frozen=True):
    """A member of the guild. ``roles`` are role ids."""

    id: str
    name: str
    roles: tuple[str, ...] = ()
    bot: bool = False


class Channel(msgspec.Struct, frozen=True):
    """A text channel of the guild."""

    id: str
    name: str
    access: Access = Access.FULL


ON_CALL = Role("1500000000000000001", "on-call")
SUPPORT = Role("1500000000000000002", "support")


class World(msgspec.Struct, frozen=True):
    """One guild and everything in it. Ids are snowflakes: strings of digits."""

    application_id: str = "1100000000000000001"
    bot_name: str = "jinkies"
    guild_id: str = "1200000000000000001"
    guild_name: str = "Mystery Inc"
    roles: tuple[Role, ...] = (ON_CALL, SUPPORT)
    channels: tuple[Channel, ...] = (
        Channel("1300000000000000001", "alerts"),
        Channel("1300000000000000002", "logs"),
        Channel("1300000000000000003", "ops"),
    )
    users: tuple[User, ...] = (
        User("1400000000000000001", "velma", (ON_CALL.id,)),
        User("1400000000000000002", "fred", (ON_CALL.id,)),
        User("1400000000000000003", "daphne", (SUPPORT.id,)),
        User("1400000000000000004", "shaggy"),
    )

    @property
    def bot(self) -> User:
        """The application's own user; its id is the application's."""
        return User(self.application_id, self.bot_name, bot=True)

    def user(self, who: str) -> User | None:
        """The person with this id or name, or None."""
        return next((user for user in self.users if who in (user.id, user.name)), None)

    def channel(self, which: str) -> Channel | None:
        """The channel with this id or name, or None."""
        return next((channel for channel in self.channels if which in (channel.id, channel.name)), None)


def user_object(user: User) -> Json:
    """A ``UserResponse``."""
    return {
        "id": user.id,
        "username": user.name,
        "discriminator": "0",
        "global_name": user.name,
        "avatar": None,
        "avatar_decoration_data": None,
        "collectibles": None,
        "primary_guild": None,
        "bot": user.bot,
        "public_flags": 0,
        "flags": 0,
        "banner": None,
        "accent_color": None,
    }


def member_object(user: User, *, permissions: str | None = None) -> Json:
    """A guild member; inside an interaction it carries its computed ``permissions``."""
    member: Json = {
        "user": user_object(user),
        "nick": None,
        "avatar": None,
        "banner": None,
        "roles": list(user.roles),
        "joined_at": JOINED_AT,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "flags": 0,
        "pending": False,
        "communication_disabled_until": None,
    }
    return member if permissions is None else member | {"permissions": permissions}


def channel_object(world: World, channel: Channel) -> Json:
    """A ``GuildChannelResponse`` of type GUILD_TEXT."""
    return {
        "id": channel.id,
        "type": 0,
        "guild_id": world.guild_id,
        "name": channel.name,
        "position": world.channels.index(channel),
        "permission_overwrites": [],
        "topic": None,
        "nsfw": False,
        "last_message_id": None,
        "rate_limit_per_user": 0,
        "parent_id": None,
        "flags": 0,
    }


def role_object(world: World, role: Role, position: int) -> Json:
    """A ``GuildRoleResponse``; @everyone has the guild's own id."""
    return {
        "id": role.id,
        "name": role.name,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": position,
        "permissions": ALL_PERMISSIONS if role.id == world.guild_id else "0",
        "managed": False,
        "mentionable": False,
        "flags": 0,
    }


SETTINGS: Json = {
    "icon": None,
    "splash": None,
    "discovery_splash": None,
    "home_header": None,
    "region": "us-west",
    "afk_channel_id": None,
    "afk_timeout": 300,
    "verification_level": 0,
    "default_message_notifications": 0,
    "explicit_content_filter": 0,
    "emojis": [],
    "features": [],
    "mfa_level": 0,
    "application_id": None,
    "system_channel_id": None,
    "system_channel_flags": 0,
    "widget_enabled": False,
    "widget_channel_id": None,
    "rules_channel_id": None,
    "max_presences": None,
    "max_members": 500_000,
    "vanity_url_code": None,
    "description": None,
    "banner": None,
    "premium_tier": 0,
    "premium_subscription_count": 0,
    "preferred_locale": "en-US",
    "public_updates_channel_id": None,
    "max_video_channel_users": 25,
    "max_stage_video_channel_users": 50,
    "nsfw_level": 0,
    "nsfw": False,
    "stickers": [],
    "premium_progress_bar_enabled": False,
    "safety_alerts_channel_id": None,
    "incidents_data": None,
}
"""What a guild has beside its name and its people; the values of one that nobody touched."""


def guild_object(world: World) -> Json:
    """A ``GuildWithCountsResponse``."""
    roles = (Role(world.guild_id, "@everyone"), *world.roles)
    return SETTINGS | {
        "id": world.guild_id,
        "name": world.guild_name,
        "owner_id": world.users[0].id if world.users else world.application_id,
        "roles": [role_object(world, role, position) for position, role in enumerate(roles)],
    }


def guild_create_object(world: World) -> Json:
    """What the gateway's GUILD_CREATE carries beyond the guild: members and the channels that the bot can see."""
    people = (world.bot, *world.users)
    return guild_object(world) | {
        "joined_at": JOINED_AT,
        "large": False,
        "unavailable": False,
        "member_count": len(people),
        "voice_states": [],
        "members": [member_object(user) for user in people],
        "channels": [channel_object(world, channel) for channel in world.channels if channel.access != Access.NONE],
        "threads": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def application_object(world: World) -> Json:
    """A ``PrivateApplicationResponse``."""
    return {
        "id": world.application_id,
        "name": world.bot_name,
        "icon": None,
        "description": "",
        "type": None,
        "bot": user_object(world.bot),
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "owner": user_object(world.users[0] if world.users else world.bot),
        "team": None,
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": 1,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": [],
        "integration_types_config": {"0": {}},
        "event_webhooks_status": 1,
        "summary": "",
        "hook": True,
    }


def own_user_object(world: World) -> Json:
    """A ``UserPIIResponse``: the bot asking who it is. interactions.py needs ``verified``."""
    return user_object(world.bot) | {
        "mfa_enabled": True,
        "locale": "en-US",
        "premium_type": 0,
        "email": None,
        "verified": True,
    }
