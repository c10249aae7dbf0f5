"""Renders what exists as Discord's REST API and gateway would.

Field names and required fields are from Discord's API description, version 10.
"""

from __future__ import annotations

from jinkies.simulators.discord.permissions import EVERYONE, written
from jinkies.simulators.discord.world import Access, Channel, Json, Role, User, World

MESSAGE_CONTENT_LIMITED = 1 << 19  # the application's flag for the message content intent
JOINED_AT = "2026-01-01T00:00:00.000000+00:00"


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


def member_object(user: User, *, permissions: int | None = None, inside: bool = False) -> Json:
    """A guild member; in an interaction with its computed ``permissions``, inside what names the user without it."""
    member: Json = ({} if inside else {"user": user_object(user)}) | {
        "nick": user.nick,
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
    return member if permissions is None else member | {"permissions": written(permissions)}


def channel_object(world: World, channel: Channel) -> Json:
    """A ``GuildChannelResponse`` of type GUILD_TEXT."""
    return {
        "id": channel.id,
        "type": 0,
        "guild_id": world.guild_id,
        "name": channel.name,
        "position": world.channels.index(channel),
        "permission_overwrites": [],
        "topic": channel.topic,
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
        "color": role.color,
        "colors": {"primary_color": role.color, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": position,
        "permissions": written(EVERYONE if role.id == world.guild_id else role.permissions),
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
        "flags": MESSAGE_CONTENT_LIMITED if world.message_content else 0,
        "flags_new": str(MESSAGE_CONTENT_LIMITED if world.message_content else 0),
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
