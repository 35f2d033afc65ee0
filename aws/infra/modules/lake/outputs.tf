output "bucket_names" {
  description = "Buckets by purpose: lake, artifacts, audit, access_logs."
  value       = { for purpose, bucket in aws_s3_bucket.this : purpose => bucket.id }
}

output "bucket_arns" {
  description = "ARNs of the buckets by purpose."
  value       = local.arns
}

output "audit_bucket" {
  description = "Bucket of the trail, once its policy lets the trail in."
  value       = aws_s3_bucket.this["audit"].id

  depends_on = [aws_s3_bucket_policy.this, aws_s3_bucket_object_lock_configuration.audit]
}

output "uris" {
  description = "Addresses by zone."
  value = {
    incoming    = "s3://${local.names["lake"]}/incoming"
    lake        = "s3://${local.names["lake"]}/lake"
    raw         = "s3://${local.names["lake"]}/lake/raw"
    silver      = "s3://${local.names["lake"]}/lake/silver"
    gold        = "s3://${local.names["lake"]}/lake/gold"
    quarantine  = "s3://${local.names["lake"]}/lake/quarantine"
    predictions = "s3://${local.names["lake"]}/predictions"
    to_score    = "s3://${local.names["lake"]}/to-score"
    scored      = "s3://${local.names["lake"]}/scored"
    artifacts   = "s3://${local.names["artifacts"]}"
    registry    = "s3://${local.names["artifacts"]}/registry"
    audit       = "s3://${local.names["audit"]}"
  }
}
