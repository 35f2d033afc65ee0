# Online: the newest record of every product, customer and store. The history lies in the lake; SageMaker Feature Store
# may hold a second copy for those who work there.
resource "aws_dynamodb_table" "online" {
  name                        = "${var.name}-features"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "record"
  deletion_protection_enabled = var.protect_data

  attribute {
    name = "record"
    type = "S"
  }

  ttl {
    attribute_name = "expires_s"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.data_key_arn
  }
}

resource "aws_sagemaker_feature_group" "this" {
  for_each = var.feature_groups ? var.groups : {}

  feature_group_name             = "${var.name}-${each.key}"
  description                    = "Features by ${each.key}, as the lake has them at the end of each week"
  record_identifier_feature_name = each.value.record_id
  event_time_feature_name        = each.value.event_time
  role_arn                       = var.role_arn

  dynamic "feature_definition" {
    for_each = each.value.features

    content {
      feature_name = feature_definition.key
      feature_type = feature_definition.value
    }
  }

  online_store_config {
    enable_online_store = true

    security_config {
      kms_key_id = var.data_key_arn
    }
  }

  offline_store_config {
    s3_storage_config {
      s3_uri     = var.offline_uri
      kms_key_id = var.data_key_arn
    }
  }

  throughput_config {
    throughput_mode = "OnDemand"
  }
}
