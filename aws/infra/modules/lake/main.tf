# The zones raw, silver and gold are prefixes of one bucket: one lake state publishes all of them at once, and a lake has
# one root. Lifecycle and permissions are by prefix.
locals {
  purposes = ["lake", "artifacts", "audit", "access_logs"]
  names    = { for purpose in local.purposes : purpose => "${var.name}-${replace(purpose, "_", "-")}-${var.place.account}" }
  arns     = { for purpose in local.purposes : purpose => "arn:${var.place.partition}:s3:::${local.names[purpose]}" }
  logged   = toset(["lake", "artifacts", "audit"])
  # S3 delivers access logs to buckets with SSE-S3 only:
  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
  key_arns = { lake = var.data_key_arn, artifacts = var.data_key_arn, audit = var.audit_key_arn, access_logs = null }
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_144:one region is the scope; data can be made again from the till files
  #checkov:skip=CKV2_AWS_62:nothing listens to single objects: ingest runs on a schedule
  #checkov:skip=CKV_AWS_18:access logs go to the bucket access_logs, which does not log itself
  #checkov:skip=CKV_AWS_145:lake, artifacts and audit have KMS keys; S3 delivers access logs to buckets with SSE-S3 only
  #checkov:skip=CKV_AWS_21:versioning is set for each bucket by aws_s3_bucket_versioning.this
  #checkov:skip=CKV2_AWS_6:public access is blocked for each bucket by aws_s3_bucket_public_access_block.this
  #checkov:skip=CKV2_AWS_61:lifecycle is set for each bucket by aws_s3_bucket_lifecycle_configuration.*
  for_each = toset(local.purposes)

  bucket              = local.names[each.key]
  object_lock_enabled = each.key == "audit"
  # Emptying and deleting the other buckets writes new access logs, so this one is never found empty.
  force_destroy = each.key == "access_logs" && !var.protect_data
  tags = {
    Name      = local.names[each.key]
    Protected = tostring(var.protect_data && contains(["lake", "artifacts"], each.key))
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    bucket_key_enabled = local.key_arns[each.key] != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = local.key_arns[each.key] == null ? "AES256" : "aws:kms"
      kms_master_key_id = local.key_arns[each.key]
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = data.aws_iam_policy_document.bucket[each.key].json

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_logging" "this" {
  for_each = local.logged

  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = aws_s3_bucket.this["access_logs"].id
  target_prefix = "s3/"

  # S3 sorts the logs by account, region and bucket.
  target_object_key_format {
    partitioned_prefix {
      partition_date_source = "EventTime"
    }
  }

  depends_on = [aws_s3_bucket_policy.this]
}

resource "aws_s3_bucket_object_lock_configuration" "audit" {
  bucket = aws_s3_bucket.this["audit"].id

  rule {
    default_retention {
      mode = var.audit_lock_mode
      days = var.audit_lock_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
