"""What is kept, how it is encrypted, and what survives the stack."""

import pytest

from chat_testing.deployment import Stack

KEY = {"Fn::GetAtt": ["Key", "Arn"]}


def test_everything_is_encrypted_with_the_stacks_key(stack: Stack) -> None:
    for table in stack.of_type("AWS::DynamoDB::Table").values():
        assert table["SSESpecification"] == {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY}
    for secret in stack.of_type("AWS::SecretsManager::Secret").values():
        assert secret["KmsKeyId"] == KEY
    for group in stack.of_type("AWS::Logs::LogGroup").values():
        assert group["KmsKeyId"] == KEY
    for queue in stack.of_type("AWS::SQS::Queue").values():
        assert queue["KmsMasterKeyId"] == KEY
    for bucket in stack.of_type("AWS::S3::Bucket").values():
        [rule] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY}
        assert rule["BucketKeyEnabled"] is True


def test_bucket_is_private_keeps_no_versions_and_no_half_uploads(stack: Stack) -> None:
    bucket = stack.properties("Objects")
    [rule] = bucket["LifecycleConfiguration"]["Rules"]

    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert "VersioningConfiguration" not in bucket
    assert "AbortIncompleteMultipartUpload" in rule


def test_key_rotates(stack: Stack) -> None:
    assert stack.properties("Key")["EnableKeyRotation"] is True


def test_table_expires_rows_streams_changes_and_can_go_back_in_time(stack: Stack) -> None:
    table = stack.properties("Table")

    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["BillingMode"] == "PAY_PER_REQUEST"


def test_table_lists_by_time_without_a_global_index(stack: Stack) -> None:
    table = stack.properties("Table")
    [index] = table["LocalSecondaryIndexes"]

    assert [key["AttributeName"] for key in table["KeySchema"]] == ["pk", "sk"]
    assert index["IndexName"] == "by_time"
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["pk", "by_time"]
    assert index["Projection"] == {"ProjectionType": "ALL"}
    assert "GlobalSecondaryIndexes" not in table


@pytest.mark.parametrize("logical_id", ["Table", "Objects", "ObjectsPolicy", "UserPool", "Key"])
def test_data_and_its_key_outlive_the_stack(stack: Stack, logical_id: str) -> None:
    resource = stack.document["Resources"][logical_id]

    assert resource["DeletionPolicy"] in {"Retain", "RetainExceptOnCreate"}
    assert resource["UpdateReplacePolicy"] == "Retain"


def test_deletion_protection_follows_the_parameter(stack: Stack) -> None:
    assert stack.document["Conditions"]["IsProtected"] == {"Fn::Equals": [{"Ref": "DeletionProtection"}, "true"]}
    assert stack.document["Parameters"]["DeletionProtection"]["Default"] == "true"
    assert stack.properties("Table")["DeletionProtectionEnabled"] == {"Fn::If": ["IsProtected", True, False]}
    assert stack.properties("UserPool")["DeletionProtection"] == {"Fn::If": ["IsProtected", "ACTIVE", "INACTIVE"]}


def test_secret_is_created_empty(stack: Stack) -> None:
    secret = stack.properties("ModelSecret")

    assert not {"SecretString", "GenerateSecretString"} & set(secret)


def test_every_function_logs_to_a_group_that_forgets(stack: Stack) -> None:
    groups = stack.of_type("AWS::Logs::LogGroup")

    for function in stack.of_type("AWS::Lambda::Function").values():
        group = groups[function["LoggingConfig"]["LogGroup"]["Ref"]]
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}
        assert function["LoggingConfig"]["LogFormat"] == "JSON"
