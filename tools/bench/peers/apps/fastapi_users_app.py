"""A service on fastapi-users, by its documentation; `refresh` issues a token for a known user."""

# mypy: ignore-errors
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

SECRET = "a secret of this service that is longer than it has to be"  # noqa: S105 - of a benchmark
HASHER = Argon2Hasher(time_cost=3, memory_cost=65536, parallelism=1)


class Base(DeclarativeBase):
    """The tables."""


class User(SQLAlchemyBaseUserTableUUID, Base):
    """A user."""


engine = create_async_engine(f"sqlite+aiosqlite:///{os.environ['DATA']}/users.db")
session_maker = async_sessionmaker(engine, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def _wal(connection: object, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    """Who makes and finds users."""

    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def _session() -> AsyncIterator[AsyncSession]:
    async with session_maker() as session:
        yield session


async def _database(session: AsyncSession = Depends(_session)):  # noqa: B008, ANN202 - FastAPI's way
    yield SQLAlchemyUserDatabase(session, User)


async def _manager(database=Depends(_database)):  # noqa: ANN001, ANN202, B008
    yield UserManager(database, PasswordHelper(PasswordHash((HASHER,))))


def _strategy() -> JWTStrategy:
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


backend = AuthenticationBackend(
    name="jwt", transport=BearerTransport(tokenUrl="auth/jwt/login"), get_strategy=_strategy
)
fastapi_users = FastAPIUsers[User, uuid.UUID](_manager, [backend])
current_user = fastapi_users.current_user(active=True)


class UserRead(schemas.BaseUser[uuid.UUID]):
    """What is said of a user."""


class UserCreate(schemas.BaseUserCreate):
    """What a new user says."""


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    try:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
    except OperationalError:
        pass  # another worker made them at the same moment
    yield


app = FastAPI(lifespan=_lifespan)
app.include_router(fastapi_users.get_auth_router(backend), prefix="/auth/jwt")
app.include_router(fastapi_users.get_register_router(UserRead, UserCreate), prefix="/auth")
app.include_router(fastapi_users.get_users_router(UserRead, UserCreate), prefix="/users")


@app.post("/auth/jwt/refresh")
async def refresh(
    user: Annotated[User, Depends(current_user)],
    strategy: Annotated[JWTStrategy, Depends(backend.get_strategy)],
) -> object:
    """Issue another token."""
    return await backend.login(strategy, user)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    """Answer."""
    return {"status": "ok"}
