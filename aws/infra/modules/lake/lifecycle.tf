locals {
  # Days after which objects of a prefix go: Athena's results, batch transforms and access logs can be had again, the trail
  # has its term.
  expiring = {
    artifacts   = { "athena/" = 30, "scoring/" = 30 }
    audit       = { "" = var.audit_retention_days }
    access_logs = { "" = 90 }
    lake        = {}
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    id     = "superseded"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    noncurrent_version_expiration {
      noncurrent_days = each.key == "audit" ? max(var.superseded_days, var.audit_lock_days) : var.superseded_days
    }
  }

  # Weeks are read often when they are new and seldom later; objects below 128 KB stay where they are, by S3's own rule.
  dynamic "rule" {
    for_each = each.key == "lake" ? ["lake/raw/", "lake/silver/", "lake/gold/"] : []

    content {
      id     = "tiering-${trimsuffix(trimprefix(rule.value, "lake/"), "/")}"
      status = "Enabled"

      filter {
        prefix = rule.value
      }

      transition {
        days          = 0
        storage_class = "INTELLIGENT_TIERING"
      }
    }
  }

  dynamic "rule" {
    for_each = local.expiring[each.key]

    content {
      id     = "expiring-${rule.key == "" ? "all" : trimsuffix(rule.key, "/")}"
      status = "Enabled"

      filter {
        prefix = rule.key
      }

      expiration {
        days = rule.value
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_intelligent_tiering_configuration" "raw" {
  count = var.raw_archive_days == 0 ? 0 : 1

  bucket = aws_s3_bucket.this["lake"].id
  name   = "raw-archive"

  filter {
    prefix = "lake/raw/"
  }

  tiering {
    access_tier = "ARCHIVE_ACCESS"
    days        = var.raw_archive_days
  }
}
