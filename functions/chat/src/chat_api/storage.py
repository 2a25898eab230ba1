"""Where threads and images are kept, as the settings say."""

from chat_api.settings import Settings
from chatkit_aws import clients
from chatkit_aws.store import DynamoDBStore, Retention
from chatkit_aws.store.cipher import EnvelopeCipher
from chatkit_aws.store.images import Images
from chatkit_aws.store.objects import Objects


def create_store(settings: Settings) -> DynamoDBStore:
    """Threads in the stack's table and bucket, kept as long and sealed as the parameters say."""
    cipher = EnvelopeCipher(clients.kms_client(), settings.tenant_keys) if settings.tenant_keys else None
    return DynamoDBStore(
        settings.table_name,
        clients.dynamodb_client(),
        objects=Objects(settings.bucket_name, clients.s3_client()),
        cipher=cipher,
        retention=Retention(settings.retention_days, settings.retention_policy),
    )


def create_images(settings: Settings, store: DynamoDBStore) -> Images | None:
    """The images of the store's threads, in its bucket if it has one."""
    objects = store.kinds.objects
    return None if objects is None else Images(store, objects, settings.image_link_minutes * 60)
