variable "name" {
  description = "First part of every name."
  type        = string
}

variable "place" {
  description = "Region, account and partition."
  type        = object({ region = string, account = string, partition = string })
}

variable "trail_name" {
  description = "Name of the audit trail."
  type        = string
}

variable "audit_bucket" {
  description = "Bucket that takes the trail; its policy must allow it."
  type        = string
}

variable "data_bucket_arns" {
  description = "Buckets of which each read and write of an object is recorded."
  type        = list(string)
}

variable "log_retention_days" {
  description = "Days for which the trail's log group keeps events."
  type        = number
}

variable "key_deletion_days" {
  description = "Days between the deletion of a key and its end."
  type        = number
}
